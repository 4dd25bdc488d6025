"""Two people on one request: the slower one is told who decided and when, and keeps what they typed."""

import pytest
from playwright.sync_api import Page, expect

from agents.models import Run
from approvals.models import Decision
from tests.browser.conftest import WIDE
from tests.serving import session_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(desk):
    """A request about a reply, which waits."""
    run = desk.start(f"Please move {desk.crm.anybody()['email']} to the gold tier.")
    return desk.request_for(run, "mail.reply")


@pytest.fixture
def page(browser, serve, cast, waiting):
    """The reviewer's view of the request, live."""
    _, base = serve()
    context = browser.new_context(base_url=base, viewport=WIDE)
    context.add_cookies([{"name": "sessionid", "value": session_of(cast.reviewer).session_key, "url": base}])
    page: Page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"/requests/{waiting.id}/")
    expect(page.locator("#inbox-state")).to_have_text("Live", timeout=15_000)
    page.evaluate("window.stayed = true")
    yield page
    context.close()


def test_somebody_elses_decision_is_told_and_typed_text_stays(page, desk, cast, waiting):
    page.keyboard.press("r")
    page.keyboard.type("My careful rea")
    desk.answer(waiting, by=cast.finance)
    expect(page.locator("#memo")).to_contain_text("Approved by Finance", timeout=15_000)
    expect(page.locator("#memo-news")).to_contain_text("Approved by Finance")
    expect(page.locator(".decision")).to_have_count(0)
    when = waiting.decisions.get().at.strftime("%-d %b %Y, %H:%M:%S UTC")
    expect(page.locator(".outcome time")).to_have_attribute("title", when)
    expect(page.locator("#typed")).to_have_value("My careful rea")
    desk.rest(Run.objects.get(pk=waiting.run_id))
    expect(page.locator("#memo")).to_contain_text("Succeeded", timeout=15_000)
    expect(page.locator("#typed")).to_be_visible()
    expect(page.locator("#typed")).to_have_value("My careful rea")
    assert page.evaluate("window.stayed")
    assert Decision.objects.count() == 1


def test_regions_that_are_swapped_at_the_same_time_keep_each_its_own_text(page, desk, cast, waiting):
    """List and memo are fetched by one event; what the memo had noted is not what the list puts back."""
    page.keyboard.press("r")
    page.keyboard.type("Kept")
    desk.answer(waiting, by=cast.finance)
    expect(page.locator("#typed")).to_have_value("Kept", timeout=15_000)
    page.evaluate("""() => {
        const [list, memo] = document.querySelectorAll("[data-live]");
        const tell = (region, name) => region.dispatchEvent(new CustomEvent(name, {bubbles: true}));
        tell(memo, "htmx:before:swap");
        memo.querySelector("#typed").value = "";
        memo.querySelector("[data-typed]").hidden = true;
        tell(list, "htmx:before:swap");
        tell(memo, "htmx:after:swap");
        tell(list, "htmx:after:swap");
    }""")
    expect(page.locator("#typed")).to_be_visible()
    expect(page.locator("#typed")).to_have_value("Kept")
