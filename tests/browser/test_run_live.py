"""The main job in a browser: a task is given, its page follows by itself, and what was done is rolled back."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from agents.models import Run
from tests.browser.conftest import WIDE
from tests.serving import session_of

pytestmark = pytest.mark.django_db(transaction=True)
PICTURES = os.environ.get("PICTURES")
STAYED = "window.stayed === true"


@pytest.fixture
def signed_in(browser: Browser, desk: Any, serve: Any) -> Any:
    """Return a function that opens a page as somebody, on a server of this desk."""
    _, base = serve()
    contexts = []

    def open_(user: Any, path: str) -> Page:
        context = browser.new_context(base_url=base, viewport=WIDE)
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": session_of(user).session_key, "url": base}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at, where ``PICTURES`` names a folder."""
    if not PICTURES:
        return
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} scrolls at {width}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size(WIDE)


def test_the_story_moves_without_reloading(signed_in: Any, desk: Any, cast: Any) -> None:
    customer = desk.crm.anybody("standard")
    page = signed_in(cast.owner, "/runs/new/")
    picture(page, "run-new")
    page.get_by_label("Task").fill(f"Please upgrade {customer['email']} to tier gold.")
    page.get_by_role("button", name="Start the run").click()
    expect(page.locator("#run-state")).to_have_text("Live")
    page.evaluate("window.stayed = true")
    picture(page, "run-queued")

    run = desk.rest(Run.objects.get())
    expect(page.locator("#run")).to_contain_text("A person must decide")
    picture(page, "run-waiting")
    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.answer(desk.request_for(run, "mail.reply"), by=cast.finance)
    desk.rest(run)
    expect(page.locator("#run .run-facts")).to_contain_text("Succeeded")
    assert page.evaluate(STAYED)
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    picture(page, "run-succeeded")

    page = signed_in(cast.reviewer, f"/runs/{run.id}/")
    page.get_by_role("button", name="Roll back…", exact=True).click()
    expect(page.get_by_text("Would be restored")).to_be_visible()
    picture(page, "rollback")
    page.get_by_role("button", name="Roll back 1 action").click()
    expect(page.locator("#run-state")).to_have_text("Live")
    page.evaluate("window.stayed = true")
    desk.rest(Run.objects.get(kind="rollback"))
    expect(page.locator("#report")).to_contain_text("Restored, and read back")
    assert page.evaluate(STAYED)
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    picture(page, "rolled-back")
    for path, name in (("/runs/", "runs"), ("/agents/", "agents"), (f"/agents/{desk.desk.agent.name}/", "agent"),
                       (f"/sessions/{run.session_id or Run.objects.get(kind='task').session_id}/", "session"),
                       (f"/runs/{run.id}/", "run-rolled-back")):  # fmt: skip
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        picture(page, name)
