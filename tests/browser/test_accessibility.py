"""Every page with samples under axe-core: WCAG 2.1 A and AA and the engine's best practices, without one violation.

axe runs through Playwright's own channel, so the pages' content policy stays as it is. Structure is looked at at both
widths, colours in light; ``test_components`` measures the contrast of every text in dark and in high contrast, too.
"""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.conftest import NARROW, WIDE, OpenPage, show
from workspaces.console.components import PAGES

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
EVERYTHING: dict[str, Any] = {"runOnly": TAGS}
STRUCTURE: dict[str, Any] = {**EVERYTHING, "rules": {"color-contrast": {"enabled": False}}}
LOOKS = [(WIDE, EVERYTHING), (NARROW, STRUCTURE)]
RUN = """options => axe.run({...options, preload: false, resultTypes: ['violations']}).then(
    found => found.violations.map(
        rule => `${rule.id}: ${rule.help}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`))"""
ADDRESSES = ["/components/", *(f"/components/{name}/" for name in PAGES if name != "run-live")]


def violations(page: Page) -> list[str]:
    """Return what axe finds on the open page, wide and narrow."""
    page.evaluate(AXE_SCRIPT)
    found = []
    for size, options in LOOKS:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        found += [f"{size['width']} {said}" for said in page.evaluate(RUN, options)]
    return found


@pytest.mark.parametrize("part", range(4))
def test_no_page_has_an_accessibility_violation(open_page: OpenPage, part: int) -> None:
    page = open_page("/components/sign-in/", color_scheme="light", reduced_motion="reduce")
    wrong: dict[str, list[str]] = {}
    for address in ADDRESSES[part::4]:
        show(page, address)
        if found := violations(page):
            wrong[address] = found
    assert wrong == {}


@pytest.mark.parametrize("fault", ["main.append(new Image())", "main.style.color = 'rgb(230 230 230)'"])
def test_a_violation_would_be_found(open_page: OpenPage, fault: str) -> None:
    page = open_page("/components/error-404/", reduced_motion="reduce")
    assert violations(page) == []
    page.evaluate(f"() => {{ const main = document.querySelector('main'); {fault}; }}")
    assert violations(page)
