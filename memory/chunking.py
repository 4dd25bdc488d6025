"""Cuts a document into passages: the same document always the same way, and nothing but blanks between two passages.

A passage never reaches across a heading; a heading with nothing below it goes with what follows. Within a section the
cut is at the last paragraph, else line, else sentence, else word of the second half of the room.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from memory.reading.shapes import Heading, Reading

LONGEST: Final = 1000
"""Characters of a passage at most: some two hundred words, which one vector still tells apart."""
CUTS: Final = (("\n\n",), ("\n",), (". ", "? ", "! ", "。"), (" ",))


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage: ``text[start:end]``, below the headings of ``path``, outermost first."""

    start: int
    end: int
    path: tuple[str, ...]


def pieces_of(reading: Reading) -> list[Piece]:
    """Return the passages in order. They do not overlap, and what lies between them is blank."""
    text = reading.text
    return [
        Piece(start, end, path)
        for begin, stop, path in _sections(text, reading.headings)
        for start, end in _cut(text, begin, stop)
    ]


def _sections(text: str, headings: list[Heading]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    begin = 0
    path: tuple[str, ...] = ()
    above: list[Heading] = []
    body = 0
    for heading in headings:
        if text[body : heading.start].strip():
            yield begin, heading.start, path
            begin = heading.start
        above = [one for one in above if one.level < heading.level] + [heading]
        path, body = tuple(one.title for one in above), heading.end
    yield begin, len(text), path


def _cut(text: str, begin: int, stop: int) -> Iterator[tuple[int, int]]:
    while begin < stop:
        end = stop if stop - begin <= LONGEST else _last_cut(text, begin)
        start, last = _trimmed(text, begin, end)
        if start < last:
            yield start, last
        begin = end


def _last_cut(text: str, begin: int) -> int:
    stop = begin + LONGEST
    for marks in CUTS:
        found = max(
            at + len(mark) if (at := text.rfind(mark, begin + LONGEST // 2, stop)) >= 0 else 0 for mark in marks
        )
        if found:
            return found
    return stop


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    piece = text[begin:end]
    return begin + len(piece) - len(piece.lstrip()), begin + len(piece.rstrip())
