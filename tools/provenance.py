"""Where each value of a proposed action came from, found by comparing, never by asking the model.

A model that has been talked into something says whatever it was told to say; that a value stands verbatim in a source
is a fact. For every leaf of the arguments the trace names the sources that contain it:

- *exactly*: a leaf of a structured source (a record, a tool's JSON result) has the same value; numbers are compared as
  numbers, and an integer never equals a boolean;
- *by containment*: a text, or a text inside a structured source, contains it verbatim and on word boundaries, after
  both were brought to NFC with runs of white space as one space. An identifier is one word: "anna@example.org" is not
  in "mary.anna@example.org", nor "https://a.example" in "https://a.example/b". A number is contained where it stands
  alone: 5 is not in "15", "2.5", "1,5" or "2026-05-01". An empty value, true, false and null are never found so.

A leaf is **trusted** if a trusted source contains it; what is found nowhere was made up by the model, and is not.
A trusted leaf is a **coincidence** if it is short (at most three characters, a whole number below 1,000, a boolean,
null, an empty value) and no trusted source holds exactly that value under the same field name: "US" somewhere in an
instruction, or *some* ``true`` in a record, says nothing about why it is here. The schema of the tool itself
(kind ``schema``) may be named as a source but makes nothing trusted.

Costs are bounded: of each source the first million characters are indexed once, in one pass (a value of a structured
source counts as 20 characters more); a leaf is looked for in a text only if all of its words
occur in it; and all such searches together read at most ``MAX_SCANNED`` characters, after which the remaining values
count as not found. Trusted sources are searched first, so that a flood of untrusted text cannot take their share.
Object *keys* are taken as fixed by the tool's schema, unless ``names`` says which are: any other key is then traced
like a value, under its pointer followed by ``#``.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from workspaces.errors import TooLarge

Trust = Literal["trusted", "untrusted"]
Kind = Literal["instruction", "ticket", "tool_result", "person", "record", "document", "message", "schema"]

MAX_LEAVES: Final = 1000
MAX_SOURCE_CHARACTERS: Final = 1_000_000
MAX_SCANNED: Final = 100_000_000
PROBE_COST: Final = 1000
VALUE_COST: Final = 20
MAX_EXCERPT: Final = 200
SHORT_TEXT: Final = 3
SMALL_NUMBER: Final = 1000

_UNSPACED_RANGES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CONNECTING = r"\-.@/\\+%&#?~"
_WORD = re.compile(f"[^\\W{_UNSPACED_RANGES}]+")
_INSIDE = [
    re.compile(f"{before}{after}")
    for word in [f"[^\\W{_UNSPACED_RANGES}]"]
    for before, after in [
        (f"(?<={word})", word),
        (f"(?<={word})", f"[{_CONNECTING}]{word}"),
        (f"(?<={word}[{_CONNECTING}])", word),
    ]
]
_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"(?<!\w)(?<!\d[-.,:/'’])[-+]?\d{1,40}(?:\.\d{1,40})?(?!\w)(?![-.,:/'’]\d)")

Exact = tuple[str, str | bool | Decimal | None]


@dataclass(frozen=True, slots=True)
class Source:
    """Something that was there before the arguments were; ``value`` is text, or JSON for structured content."""

    label: str
    trust: Trust
    kind: Kind
    value: Any

    @property
    def vouches(self) -> bool:
        """Whether a value found here is trusted."""
        return self.trust == "trusted" and self.kind != "schema"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of the arguments: its JSON pointer, an excerpt of its JSON text, and what the sources say of it."""

    path: str
    value_excerpt: str
    sources: tuple[str, ...]
    trusted: bool
    coincidence: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What is true of all leaves together; arguments without leaves are trusted."""

    all_trusted: bool
    any_coincidence: bool


@dataclass(slots=True)
class Work:
    """Counts the characters that were searched, so that their number can be bounded and tested."""

    scanned: int = 0


def trace(
    arguments: Any, sources: Sequence[Source], *, names: Collection[str] | None = None, work: Work | None = None
) -> list[Leaf]:
    """Return one ``Leaf`` for each value of ``arguments``, in their order.

    ``names`` are the field names that the tool's schema declares. Raises ``TooLarge`` beyond 1,000 leaves.
    """
    work = work or Work()
    leaves: list[tuple[str, str, Any]] = []
    for leaf in _leaves(arguments, names):
        if len(leaves) == MAX_LEAVES:
            raise TooLarge(f"An action has at most {MAX_LEAVES:,} values.", hint="Propose several smaller actions.")
        leaves.append(leaf)
    matches: list[list[_Match]] = [[] for _ in leaves]
    for source in sorted(sources, key=lambda source: not source.vouches):
        index = _Index.of(source)
        for found, (_, name, value) in zip(matches, leaves, strict=True):
            names = index.names_of(value)
            if names is not None or index.contains(value, work):
                found.append(_Match(source, name in (names or ())))
    return [_judge(path, value, found) for (path, _, value), found in zip(leaves, matches, strict=True)]


def summarise(leaves: Sequence[Leaf]) -> Summary:
    """Return what is true of all ``leaves`` together."""
    return Summary(all(leaf.trusted for leaf in leaves), any(leaf.coincidence for leaf in leaves))


@dataclass(frozen=True, slots=True)
class _Match:
    """A source that contains a value; ``same_field``: it is the whole value of a field of the same name."""

    source: Source
    same_field: bool


@dataclass(slots=True)
class _Index:
    """One source, prepared: its exact values with the field names they stand under, its words, numbers and texts."""

    source: Source
    exact: dict[Exact, set[str]] = field(default_factory=dict)
    numbers: set[Decimal] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    text: str = ""

    @classmethod
    def of(cls, source: Source) -> "_Index":
        index = cls(source)
        texts: list[str] = []
        room = MAX_SOURCE_CHARACTERS
        structured = not isinstance(source.value, str)
        for _, name, value in _leaves(source.value, None):
            if structured:
                index.exact.setdefault(_exact(value), set()).add(name)
            if isinstance(value, str):
                texts.append(_normal(_cut(value, room)))
            room -= VALUE_COST + (len(value) if isinstance(value, str) else 0)
            if room <= 0:
                break
        index.text = "\0".join(texts)
        index.words = set(_WORD.findall(index.text))
        index.numbers = {Decimal(number) for number in _NUMBER.findall(index.text)}
        return index

    def names_of(self, value: Any) -> set[str] | None:
        """Return the field names under which exactly ``value`` stands; None where it does not."""
        return self.exact.get(_exact(value))

    def contains(self, value: Any, work: Work) -> bool:
        """Say whether a text of the source contains ``value``."""
        if isinstance(value, str):
            return self._contains_text(_normal(value), work)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Decimal(str(value)) in self.numbers
        return False

    def _contains_text(self, text: str, work: Work) -> bool:
        if not text or not self.words.issuperset(_WORD.findall(text)):
            return False
        start = 0
        while work.scanned < MAX_SCANNED:
            found = self.text.find(text, start)
            work.scanned += (found if found >= 0 else len(self.text)) - start + PROBE_COST
            if found < 0:
                return False
            if _stands_alone(self.text, found, found + len(text)):
                return True
            start = found + 1
        return False


def _judge(path: str, value: Any, matches: Sequence[_Match]) -> Leaf:
    trusted = any(match.source.vouches for match in matches)
    telling = any(match.same_field for match in matches if match.source.vouches == trusted)
    labels = tuple(dict.fromkeys(match.source.label for match in matches))
    return Leaf(path, _excerpt(value), labels, trusted, bool(matches) and _is_short(value) and not telling)


def _leaves(value: Any, names: Collection[str] | None) -> Iterator[tuple[str, str, Any]]:
    """Yield (JSON pointer, nearest field name, value) of every scalar and every empty container, in order."""
    waiting: list[tuple[str, str, Any]] = [("", "", value)]
    while waiting:
        path, name, item = waiting.pop()
        if isinstance(item, Mapping) and item:
            waiting.extend((_join(path, key), str(key), item[key]) for key in reversed(list(item)))
            if names is not None:
                yield from ((f"{_join(path, key)}#", "", str(key)) for key in item if key not in names)
        elif isinstance(item, list | tuple) and item:
            waiting.extend((_join(path, at), name, item[at]) for at in range(len(item) - 1, -1, -1))
        elif path or not isinstance(item, Mapping):
            yield path, name, item


def _join(path: str, key: object) -> str:
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _exact(value: Any) -> Exact:
    if value is None or isinstance(value, bool):
        return "constant", value
    if isinstance(value, int | float):
        return "number", Decimal(str(value))
    if isinstance(value, str):
        return "text", unicodedata.normalize("NFC", value)
    return "empty", json.dumps(value)


def _normal(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text.replace("\0", " "))).strip()


def _cut(text: str, room: int) -> str:
    """Return at most ``room`` characters of ``text``, without the word that the cut would split."""
    return text if len(text) <= room else text[:room].rpartition(" ")[0]


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (_joins(text, start) or _joins(text, end))


def _joins(text: str, at: int) -> bool:
    """Say whether position ``at`` lies inside a word or an identifier; scripts without spaces have no words."""
    if at == 0 or at == len(text):
        return False
    return unicodedata.combining(text[at]) > 0 or any(pattern.match(text, at) for pattern in _INSIDE)


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(_normal(value)) <= SHORT_TEXT
    if isinstance(value, int | float) and not isinstance(value, bool):
        return len(str(value)) <= SHORT_TEXT or (abs(value) < SMALL_NUMBER and value == int(value))
    return True


def _excerpt(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"
