"""What changed between two JSON objects, as data: for the agent that is told of an edit, and for names of fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["added", "removed", "changed", "same"]

_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One field: its JSON pointer, its name for people, and its value on both sides.

    ``before`` is None where it was added and ``after`` is None where it was removed; ``kind`` tells that from null.
    """

    path: str
    label: str
    before: Any
    after: Any
    kind: Kind


def field_diff(before: Any, after: Any) -> list[Change]:
    """Return one ``Change`` per field of two JSON objects, unchanged ones included, in the order in which they stand.

    Objects are compared field by field, lists of equal length entry by entry, everything else as a whole. ``None`` for
    one of the two means that there is no object: all fields of the other are added or removed. Numbers that are equal
    are the same (5 and 5.0 have one canonical form); true and 1 are not.
    """
    return list(_changes("", (), _NOTHING if before is None else before, _NOTHING if after is None else after))


def label_of(names: Sequence[str | int]) -> str:
    """Return the name for people of the value that stands under ``names``: “address › postal code”, “lines › 1”."""
    return " › ".join(str(name + 1) if isinstance(name, int) else name.replace("_", " ").strip() for name in names)


def _changes(path: str, names: tuple[str | int, ...], before: Any, after: Any) -> Iterator[Change]:
    label = label_of(names)
    inner = _names(before, after)
    if inner is not None:
        for name in inner:
            step = f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _changes(step, (*names, name), _at(before, name), _at(after, name))
    elif before is _NOTHING:
        if after is not _NOTHING:
            yield Change(path, label, None, after, "added")
    elif after is _NOTHING:
        yield Change(path, label, before, None, "removed")
    else:
        yield Change(path, label, before, after, "same" if _equal(before, after) else "changed")


def _names(before: Any, after: Any) -> list[Any] | None:
    """Return the fields to compare one by one; None where the two are compared as a whole."""
    sides = [side for side in (before, after) if side is not _NOTHING]
    if sides and all(isinstance(side, dict) for side in sides) and any(sides):
        return list(dict.fromkeys(name for side in sides for name in side))
    if len(sides) == 2 and isinstance(before, list) and isinstance(after, list) and len(before) == len(after) > 0:
        return list(range(len(before)))
    return None


def _at(side: Any, name: Any) -> Any:
    if side is _NOTHING:
        return _NOTHING
    return side.get(name, _NOTHING) if isinstance(side, dict) else side[name]


def _equal(left: Any, right: Any) -> bool:
    """Compare JSON values; Python alone would say that true equals 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)
    return bool(left == right)
