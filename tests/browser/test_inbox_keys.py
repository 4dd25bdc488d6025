"""The keyboard on the real pages: move, open, approve through the form, reject with a reason. No key decides alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from approvals.models import Decision
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(desk):
    customer = desk.crm.anybody()
    return desk.start(f"Hello, I am {customer['name']}, {customer['email']}. Please move me to the gold tier.")


@pytest.fixture
def page(browser, live_server, run):
    """The reviewer, signed in by hand, at the inbox."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.route(re.compile(r"/live/(\?.*)?$"), lambda route: route.abort())  # this server cannot hold streams
    page.goto("/")
    page.get_by_label("E-mail").or_(page.locator("[name=username]")).first.fill("reviewer@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/")
    yield page
    context.close()


def open_with_keys(page: Page, times: int) -> None:
    for _ in range(times):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*/")


def test_move_open_and_approve(page, live_server):
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*/")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    assert not Decision.objects.exists()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Approved. It is carried out")).to_be_visible()
    assert [one.kind for one in Decision.objects.all()] == ["approve"]


def test_reject_with_a_reason(page):
    open_with_keys(page, 2)
    page.keyboard.press("r")
    expect(page.locator("#reject-reason")).to_be_focused()
    page.keyboard.type("Ask a colleague first?")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("Rejected. The agent is told why.")).to_be_visible()
    assert Decision.objects.get().reason == "Ask a colleague first?"


def test_edit_and_help(page):
    open_with_keys(page, 1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("e")
    page.wait_for_url("**/edit/")
    expect(page.get_by_role("heading", name="Edit the arguments")).to_be_visible()


def test_htmx_posts_carry_the_token_and_forged_ones_decide_nothing(page):
    open_with_keys(page, 1)
    address = page.locator("form:has([value=approve])").get_attribute("action")
    binding = page.locator("form:has([value=approve]) [name=binding]").get_attribute("value")
    post = """([address, values]) => htmx.ajax('POST', address, {values, swap: 'none'})"""
    with page.expect_response("**/decisions/") as answered:
        page.evaluate(post, [address, {"kind": "respond", "reason": "Which tier?", "binding": binding}])
    assert answered.value.request.headers["x-csrftoken"]
    assert answered.value.status == 302
    forged = page.evaluate(
        "address => fetch(address, {method: 'POST', body: new URLSearchParams({kind: 'approve'})}).then(a => a.status)",
        address,
    )
    assert forged == 403
    assert Decision.objects.get().kind == "respond"
