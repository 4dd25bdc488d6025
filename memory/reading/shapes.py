"""What reading gives, and how it refuses."""

import re
from dataclasses import dataclass, field
from typing import Final

PLAIN, MARKDOWN, HTML, PDF = "text/plain", "text/markdown", "text/html", "application/pdf"
MEDIA_TYPES: Final = (PLAIN, MARKDOWN, HTML, PDF)
ENDINGS: Final = {".txt": PLAIN, ".md": MARKDOWN, ".markdown": MARKDOWN, ".html": HTML, ".htm": HTML, ".pdf": PDF}
LONGEST_TITLE: Final = 200


class Unreadable(Exception):
    """A document that gives no text; the sentence says what is wrong, the hint what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may cost."""

    characters: int
    pages: int
    seconds: int
    megabytes: int = 1024


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: where it begins and ends in the text, its level from 1 on, and its words on one line."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a document, with its headings in order."""

    text: str
    headings: list[Heading] = field(default_factory=list)


def one_line(title: str) -> str:
    """Return a heading's words on one line of bounded length."""
    return re.sub(r"\s+", " ", title).strip()[:LONGEST_TITLE]


def check_length(text: str, limits: Limits) -> str:
    """Return ``text``; raise :class:`Unreadable` where it is longer than is kept."""
    if len(text) > limits.characters:
        raise Unreadable(
            f"The document holds more than {limits.characters:,} characters of text.", "Split it, and send the parts."
        )
    return text
