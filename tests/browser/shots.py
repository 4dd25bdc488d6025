"""Photographs the console, for people to look at critically. Not a test.

Every page with samples (the server must run with DEBUG on)::

    python -m tests.browser.shots samples http://127.0.0.1:8000 FOLDER [NAME ...]

The pictures of the documentation, from a running demo: gives a task, waits for its requests, and approves nothing::

    python -m tests.browser.shots documentation http://127.0.0.1:8000 docs/images GIVER REVIEWER PASSWORD "TASK"

GIVER and REVIEWER are the e-mail addresses of somebody who gives the task and of somebody else who may decide.
"""

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, NARROW, WIDE

WIDTHS: Final = (1440, 768, 390)
SCHEMES: Final = ("light", "dark")
PATIENCE: Final = 60_000


def shoot(browser: Browser, base: str, folder: Path, names: list[str]) -> int:
    """Take a picture of each page with samples at each width in each scheme; return how many were taken."""
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            for name in names:
                page.goto(f"{base}/components/" + (f"{name}/" if name else ""))
                page.screenshot(path=folder / f"{name or 'all'}-{width}-{scheme}.png", full_page=True)
    return len(names) * len(WIDTHS) * len(SCHEMES)


def document(browser: Browser, base: str, folder: Path, people: list[str], password: str, task: str) -> int:
    """Take the documentation's four pictures of a real task; return how many were taken."""
    giver, page = (sign_in(browser, base, email, password) for email in people)
    run = give(giver, task)
    for name, path in (("run", run), ("inbox", "/inbox/")):
        keep(page, path, folder / f"{name}.png")
    page.locator("[data-row]").first.click()
    expect(page.locator("h1.facts")).to_be_visible()
    request = page.url
    keep(page, request, folder / "request.png")
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    keep(page, request, folder / "request-phone.png")
    return 4


def sign_in(browser: Browser, base: str, email: str, password: str) -> Page:
    """Return a page on which somebody has signed in, as a person does."""
    page = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce", base_url=base)
    page.goto("/sign-in/")
    page.locator("input[name=username]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.locator("form button").first.click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    return page


def give(page: Page, task: str) -> str:
    """Give ``task`` to the first agent, wait until a person must decide, and return the run's address."""
    page.goto("/runs/new/")
    page.get_by_label("Task").fill(task)
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("A person must decide")).to_be_visible(timeout=PATIENCE)
    return page.url


def keep(page: Page, path: str, file: Path) -> None:
    """Photograph what one screen shows of a page."""
    page.goto(path)
    expect(page.locator("h1").first).to_be_visible()
    for state in page.locator(".live-state").all():
        expect(state).to_have_text("Live")
    page.screenshot(path=file)


def main(what: str, base: str, folder: Path, rest: list[str]) -> int:
    """Take the pictures of ``what``; return how many were taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            if what == "documentation":
                giver, reviewer, password, task = rest
                return document(browser, base, folder, [giver, reviewer], password, task)
            from workspaces.console.components import PAGES

            return shoot(browser, base, folder, rest or ["", *PAGES])
        finally:
            browser.close()


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])} pictures\n")
