"""A real Chromium for the console's pages. Where none is installed these tests are skipped, and say so."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}

OpenPage = Callable[..., Page]

expect.set_options(timeout=20_000)  # milliseconds: how long a busy machine may take to show what a page promises


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"No Chromium at {CHROMIUM}: install it, or set CHROMIUM to its path.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread; nothing else does
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def sample_server() -> Iterator[LiveServer]:
    """Serve without a database: the pages with samples may not need one."""
    server = LiveServer("localhost")
    yield server
    server.stop()


def show(page: Page, path: str) -> None:
    """Go to ``path``, which must be a page and not the server's account of why there is none."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, f"{path} answered {answer.status}"


@pytest.fixture
def open_page(browser: Browser, sample_server: LiveServer, settings: Any) -> Iterator[OpenPage]:
    """Return a function that opens ``path`` in a fresh context; keywords go to Playwright's ``new_context``."""
    settings.DEBUG = True
    contexts = []

    def open_(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=sample_server.url, **{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        show(page, path)
        return page

    yield open_
    for context in contexts:
        context.close()
