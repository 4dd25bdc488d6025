"""Photographs every page with samples: ``python -m tests.browser.shots http://127.0.0.1:8000 FOLDER [NAME ...]``.

The server must run with DEBUG on. Not a test: the pictures are for people to look at, critically.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM

WIDTHS = (1440, 768, 390)
SCHEMES = ("light", "dark")


def shoot(base: str, folder: Path, names: list[str]) -> int:
    """Take a picture of each page at each width in each scheme; return how many were taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        for scheme in SCHEMES:
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                for name in names:
                    page.goto(f"{base}/components/" + (f"{name}/" if name else ""))
                    page.screenshot(path=folder / f"{name or 'all'}-{width}-{scheme}.png", full_page=True)
        browser.close()
    return len(names) * len(WIDTHS) * len(SCHEMES)


if __name__ == "__main__":
    from workspaces.console.components import PAGES

    sys.stdout.write(f"{shoot(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or ['', *PAGES])} pictures\n")
