"""Photographs the console, for people to look at critically. Not a test.

The pictures of the documentation, into docs/images: starts a demo of its own with fresh data, gives tickets to its
desk, decides on one request, and stops it (`make pictures`)::

    python -m tests.browser.shots documentation

Every page with samples (the server must run with DEBUG on)::

    python -m tests.browser.shots samples http://127.0.0.1:8000 FOLDER [NAME ...]
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import django
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from config.demo.customers import CUSTOMERS
from config.demo.supervisor import Supervisor
from config.services.places import Places
from tests.browser.conftest import CHROMIUM, NARROW, WIDE

WIDTHS: Final = (1440, 768, 390)
SCHEMES: Final = ("light", "dark")
PATIENCE: Final = 60_000
TALL: Final = ViewportSize(width=1440, height=1350)
IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"


def shoot(browser: Browser, base: str, folder: Path, names: list[str]) -> int:
    """Take a picture of each page with samples at each width in each scheme; return how many were taken."""
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            for name in names:
                page.goto(f"{base}/components/" + (f"{name}/" if name else ""))
                page.screenshot(path=folder / f"{name or 'all'}-{width}-{scheme}.png", full_page=True)
    return len(names) * len(WIDTHS) * len(SCHEMES)


def document(browser: Browser, base: str, folder: Path) -> int:
    """Take the documentation's four pictures of real tickets; return how many were taken."""
    django.setup()
    from config.demo.seed import PASSWORD, address

    giver, page = (sign_in(browser, base, address(name), PASSWORD) for name in ("owner", "reviewer"))
    runs = [give(giver, ticket) for ticket in tickets()]
    keep(page, "/inbox/", folder / "inbox.png")
    page.goto(runs[-1])
    page.locator(".waits a", has_text="→").first.click()
    expect(page.locator("h1.facts")).to_be_visible()
    request = page.url
    keep(page, request, folder / "request.png")
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    keep(page, request, folder / "request-phone.png")
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.locator('[data-key="a"]').first.click()
    page.goto(runs[-1])
    expect(page.get_by_text("Verified").first).to_be_visible(timeout=PATIENCE)
    page.set_viewport_size(TALL)
    keep(page, runs[-1], folder / "run.png")
    return 4


def tickets() -> list[str]:
    """Return tickets as the demo's customers might write them: some are due for another tier."""
    due = [(name, email) for _, name, email, tier, *_ in CUSTOMERS if tier == "standard"][:2]
    return [
        f"Hello,\n\nour contract was renewed this morning, so please move {email} to tier gold.\n\nMany thanks\n{name}"
        for name, email in due
    ]


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


def with_demo() -> int:
    """Start a demo with fresh data, take the documentation's pictures from it, and forget it; return its status."""
    with TemporaryDirectory(prefix="countersign-") as folder:
        var = Path(folder) / "var"
        os.environ["VAR_DIR"] = str(var)
        try:
            return Supervisor(var).run([sys.executable, "-m", "tests.browser.shots", "running"])
        finally:
            list(Places.of(var).forget())


def main(what: str, rest: list[str]) -> int:
    """Take the pictures of ``what``; return the exit status."""
    if what == "documentation":
        return with_demo()
    folder = IMAGES if what == "running" else Path(rest[1])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        try:
            if what == "running":
                taken = document(browser, os.environ["COUNTERSIGN_URL"], folder)
            else:
                django.setup()
                from workspaces.console.components import PAGES

                taken = shoot(browser, rest[0], folder, rest[2:] or ["", *PAGES])
        finally:
            browser.close()
    sys.stdout.write(f"{taken} pictures\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
