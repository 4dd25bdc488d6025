"""Differences as a reviewer reads them: field by field, and inside long text word by word."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from workspaces.console.text import json_text

WORDS_CAP: Final = 2_000
"""Words compared one by one; texts with more of them are shown whole."""

LONG: Final = 200
LONG_LINES: Final = 10

_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text; ``kind`` is ``same``, ``added`` or ``removed``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field before and after; None stands for "not there". ``kind``: same, changed, added, removed."""

    field: str
    kind: str
    before: tuple[Segment, ...] | None
    after: tuple[Segment, ...] | None

    @property
    def is_long(self) -> bool:
        """Tell whether a side may be taller than its place, so that it has to be scrolled, by the keyboard too."""
        sides = ["".join(part.text for part in side or ()) for side in (self.before, self.after)]
        return any(len(text) > LONG or text.count("\n") > LONG_LINES for text in sides)


def fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[FieldDiff]:
    """Compare two JSON objects field by field: what changed first, what stayed last, each in the order of its names."""
    old, new = dict(before or {}), dict(after or {})
    found = [_field(name, old, new) for name in sorted(old.keys() | new.keys())]
    return sorted(found, key=lambda difference: difference.kind == "same")


def segments(before: str, after: str) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Return both texts cut into segments: what only the first has is ``removed``, only the second ``added``.

    In long texts the commonest words (blanks above all) only continue a match and begin none: comparing every blank of
    one text with every blank of the other, again after each match, takes a minute where the texts share nothing else.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > WORDS_CAP:
        return (Segment("removed", before),), (Segment("added", after),)
    left: list[Segment] = []
    right: list[Segment] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            left.append(Segment("same", "".join(old[i1:i2])))
            right.append(Segment("same", "".join(new[j1:j2])))
            continue
        if i2 > i1:
            left.append(Segment("removed", "".join(old[i1:i2])))
        if j2 > j1:
            right.append(Segment("added", "".join(new[j1:j2])))
    return tuple(left), tuple(right)


def _field(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> FieldDiff:
    if name not in new:
        return FieldDiff(name, "removed", _whole("removed", _shown(old[name])), None)
    if name not in old:
        return FieldDiff(name, "added", None, _whole("added", _shown(new[name])))
    before, after = _shown(old[name]), _shown(new[name])
    if json_text(old[name]) == json_text(new[name]):
        return FieldDiff(name, "same", _whole("same", before), _whole("same", after))
    if before == after:
        before, after = json_text(old[name]), json_text(new[name])
    return FieldDiff(name, "changed", *segments(before, after))


def _whole(kind: str, text: str) -> tuple[Segment, ...]:
    return (Segment(kind, text),) if text else ()


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)
