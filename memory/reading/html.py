"""HTML: what a reader of the page would see, line by line. Scripts, styles and what is hidden are dropped."""

import re
import warnings
from collections.abc import Iterator
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from memory.reading.encodings import decode
from memory.reading.shapes import Heading, Limits, Reading, check_length, one_line

DROPPED: Final = {"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "button"}
HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
LINES: Final = {"br", "li", "tr", "dt", "dd", "option"}
BLOCKS: Final = {
    *("p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "body", "form", "figure", "hr"),
    *("ul", "ol", "dl", "table", "blockquote", "pre"),
    *HEADINGS,
}
HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])"
)
DECLARED: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def read_html(data: bytes, limits: Limits) -> Reading:
    """Return the visible text with its headings."""
    declared = DECLARED.search(data[:4096])
    markup = decode(data, declared[1].decode("ascii", "replace") if declared else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its guesses about what the text might rather be help nobody here
        soup = BeautifulSoup(markup, "html.parser")
    page = _Page()
    for tag, text in _walk(soup):
        page.take(tag, text)
    return Reading(check_length(page.text().rstrip(), limits), page.headings)


def _walk(root: Tag) -> Iterator[tuple[Tag | None, str]]:
    """Yield texts, and tags with ``open`` or ``close``, in reading order; without recursion, however deep it is."""
    ahead: list[tuple[PageElement, bool]] = [(root, False)]
    while ahead:
        node, left = ahead.pop()
        if isinstance(node, Tag):
            if left:
                yield node, "close"
            elif not _is_dropped(node):
                yield node, "open"
                ahead.append((node, True))
                ahead.extend((child, False) for child in reversed(node.contents))
        elif type(node) is NavigableString:  # comments, declarations and the like are subclasses
            yield None, str(node)


def _is_dropped(tag: Tag) -> bool:
    if tag.name in DROPPED or tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    return bool(HIDDEN.search(str(tag.get("style") or "").lower()))


class _Page:
    """The text as it grows. ``due`` is the blank between what was written and what comes."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.due = ""
        self.headings: list[Heading] = []
        self.began = 0

    def text(self) -> str:
        return "".join(self.parts)

    def take(self, tag: Tag | None, text: str) -> None:
        if tag is None:
            self._write(text)
            return
        if tag.name in HEADINGS and text == "close":
            self._end_heading(HEADINGS[tag.name])
        if tag.name in BLOCKS:
            self.due = "\n\n"
        elif tag.name in LINES and self.due != "\n\n":
            self.due = "\n"
        elif tag.name in {"td", "th"} and not self.due:
            self.due = " "
        if tag.name in HEADINGS and text == "open":
            self.began = self.length + (len(self.due) if self.length else 0)

    def _write(self, text: str) -> None:
        words = " ".join(text.split())
        if text[:1].isspace() or not words:
            self.due = self.due or " "
        if not words:
            return
        for part in (self.due if self.length else "", words):
            self.parts.append(part)
            self.length += len(part)
        self.due = " " if text[-1:].isspace() else ""

    def _end_heading(self, level: int) -> None:
        if self.length > self.began:
            title = one_line(self.text_from(self.began))
            self.headings.append(Heading(self.began, self.length, level, title))

    def text_from(self, start: int) -> str:
        """Return what was written since ``start``, without joining all that is before."""
        found: list[str] = []
        length = self.length
        for part in reversed(self.parts):
            if length <= start:
                break
            found.append(part)
            length -= len(part)
        return "".join(reversed(found))
