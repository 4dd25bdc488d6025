"""Every page with samples under axe-core: WCAG 2.1 A and AA and the engine's best practices, without one violation.

axe runs by Playwright's own channel, so the pages' content policy stays as it is.
"""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.conftest import NARROW, WIDE, OpenPage
from workspaces.console.components import PAGES

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RUN = """rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(found => found.violations.map(
    rule => `${rule.id}: ${rule.help}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`))"""
ADDRESSES = ["/components/", *(f"/components/{name}/" for name in PAGES if name != "run-live")]


def violations(page: Page) -> list[str]:
    """Return what axe finds on the open page, wide in light and dark and narrow in light and dark."""
    page.evaluate(AXE_SCRIPT)
    found: set[str] = set()
    for size in (WIDE, NARROW):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found.update(f"{size['width']} {scheme} {said}" for said in page.evaluate(RUN, RULES))
    return sorted(found)


def test_no_page_has_an_accessibility_violation(open_page: OpenPage) -> None:
    page = open_page("/components/", reduced_motion="reduce")
    wrong: dict[str, Any] = {}
    for address in ADDRESSES:
        page.goto(address)
        if found := violations(page):
            wrong[address] = found
    assert wrong == {}


@pytest.mark.parametrize("fault", ["<img src='/favicon.svg'>", "<p style='color:#eee'>pale</p>"])
def test_a_violation_would_be_found(open_page: OpenPage, fault: str) -> None:
    page = open_page("/components/inbox/")
    page.evaluate("fault => document.querySelector('main').insertAdjacentHTML('beforeend', fault)", fault)
    page.evaluate("() => { for (const p of document.querySelectorAll('main > p')) p.style.color = '#eee'; }")
    assert violations(page)
