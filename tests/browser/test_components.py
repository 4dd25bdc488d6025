"""The console's pages in a browser: width, contrast, keyboard, decision bar, live regions, life without a script."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, show
from workspaces.console.components import PAGES

EVENTS = "text/event-stream"
WIDTHS = (320, 390, 768, 1024, 1440)
COLOURS: list[dict[str, Any]] = [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"contrast": "more"}]
ADDRESSES = ["/components/", *(f"/components/{name}/" for name in PAGES if name != "run-live")]

TOO_PALE = Path(__file__).with_name("contrast.js").read_text()


def faults(page):
    """Return what is wrong with the open page at every width and in every colour scheme."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"scrolls sideways at {width}")
    for colours in COLOURS:
        page.emulate_media(**{"color_scheme": "no-preference", "contrast": "no-preference", **colours})
        found.extend(f"{colours}: {pale}" for pale in page.evaluate(TOO_PALE))
    return found


def test_every_page_fits_is_readable_and_is_refused_nothing_by_the_content_policy(open_page):
    page = open_page("/components/", reduced_motion="reduce")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    wrong = {}
    for address in ADDRESSES:
        show(page, address)
        if found := [*faults(page), *said]:
            wrong[address] = found
        said.clear()
    assert wrong == {}


def test_keys_move_through_the_list_and_open(open_page):
    page = open_page("/components/inbox/")
    rows = page.locator("[data-row]")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/request/")


def test_keys_go_to_pages(open_page):
    page = open_page("/components/inbox/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs/")


def test_key_for_help_opens_and_closes(open_page):
    page = open_page("/components/inbox/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


@pytest.mark.parametrize("key", ["a", "r", "j", "k", "?", "g", "Escape"])
def test_no_key_decides(open_page, key):
    page = open_page("/components/request/")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.keyboard.press(key)
    page.keyboard.press(key)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert posts == []


def test_key_a_focuses_the_approve_button(open_page):
    page = open_page("/components/request/")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()


def test_key_e_opens_the_form_to_edit(open_page):
    page = open_page("/components/request/")
    page.keyboard.press("e")
    page.wait_for_url("**/edit/")


def test_key_r_opens_the_reason_and_typing_is_left_alone(open_page):
    page = open_page("/components/request/")
    page.keyboard.press("r")
    reason = page.locator("#reject-reason")
    expect(reason).to_be_focused()
    page.keyboard.type("are a joke? gr")
    expect(reason).to_have_value("are a joke? gr")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_decision_stays_in_view_even_of_hostile_text(open_page, size):
    page = open_page("/components/request-hostile/", viewport=size)
    for top in (0, 900, 100_000):
        page.evaluate("top => window.scrollTo(0, top)", top)
        expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)


def test_decision_covers_nothing_at_the_end_of_the_page(open_page):
    page = open_page("/components/request-settle/", viewport=NARROW)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    bar, foot = page.locator(".decision").bounding_box(), page.locator(".foot").bounding_box()
    assert bar
    assert foot
    assert foot["y"] + foot["height"] <= bar["y"]


def test_list_and_detail_stand_side_by_side_only_where_there_is_room(open_page):
    page = open_page("/components/request/")
    expect(page.locator(".split-list")).to_be_visible()
    page.set_viewport_size({"width": 1000, "height": 800})
    expect(page.locator(".split-list")).to_be_hidden()
    expect(page.get_by_role("link", name="Inbox", exact=True).first).to_be_visible()


def test_chosen_colours_stay(open_page):
    page = open_page("/components/inbox/", color_scheme="light")
    page.get_by_text("Your menu").locator("..").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert page.locator("[data-theme-choice][value=dark]").get_attribute("aria-pressed") == "true"


def test_pages_work_without_a_script(open_page):
    page = open_page("/components/request/", java_script_enabled=False, viewport=NARROW)
    page.locator("summary[aria-label=Menu]").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    page.wait_for_url("**/runs/")
    page.goto("/components/request/")
    page.locator("summary", has_text="Reject").click()
    expect(page.locator("#reject-reason")).to_be_visible()


def test_live_event_fetches_the_region_again(open_page):
    page = open_page("/components/")
    page.route(
        "**/components/events/",
        lambda route: route.fulfill(content_type="text/event-stream", body='data: {"id": "1"}\n\n'),
    )
    page.route("**/components/region/", lambda route: route.fulfill(body='<p id="fresh">Fresh from the server</p>'))
    page.goto("/components/run-live/")
    expect(page.locator("#run #fresh")).to_be_visible()


def test_news_from_before_the_stream_opened_is_fetched_as_it_opens(open_page):
    page = open_page("/components/")
    page.route(
        "**/components/events/",
        lambda route: route.fulfill(content_type=EVENTS, body="retry: 60000\n: listening\n\n"),
    )
    page.route("**/components/region/", lambda route: route.fulfill(body='<p id="fresh">Fresh from the server</p>'))
    page.goto("/components/run-live/")
    expect(page.locator("#run #fresh")).to_be_visible()


def test_lost_connection_is_said(open_page):
    page = open_page("/components/")
    page.route("**/components/events/", lambda route: route.abort())
    page.goto("/components/run-live/")
    expect(page.locator("#run-state")).to_have_text("Connection lost: refreshed every 5 s")


def test_failed_refresh_keeps_what_is_shown(open_page):
    page = open_page("/components/")
    page.route(
        "**/components/events/", lambda route: route.fulfill(content_type="text/event-stream", body="data: {}\n\n")
    )
    page.route("**/components/region/", lambda route: route.fulfill(status=503, body="broken"))
    with page.expect_response("**/components/region/"):
        page.goto("/components/run-live/")
    expect(page.locator("#run .timeline").first).to_be_visible()
