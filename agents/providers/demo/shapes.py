"""What a tool is good for, told from the shape of its schema and from its effect."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.providers.base import ToolSpec
from agents.providers.demo.ticket import Clue
from tools.states import Effect

Row = Mapping[str, Any]

_RECIPIENT: Final = ("to", "recipient", "recipients", "to_address", "to_email")
_SUBJECT: Final = ("subject", "title")
_BODY: Final = ("body", "text", "message", "content")
_QUERY: Final = ("query", "q", "search", "term", "text")
_PASSAGES: Final = re.compile(
    r"\b(?:passages?|handbooks?|knowledge|articles?|documents?|manuals?|faqs?)\b", re.IGNORECASE
)
_DEPTH: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One argument of a tool: where it sits, what its schema says, whether the tool cannot do without it."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]
    required: bool

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def choices(self) -> list[str]:
        found = self.schema.get("enum")
        return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []

    def accepts(self, text: str) -> bool:
        """Return whether a text of this length may go here."""
        longest = self.schema.get("maxLength")
        return not (isinstance(longest, int) and len(text) > longest) and self.takes("string")

    def holds(self, value: object) -> bool:
        """Return whether a value of a record may go here: one that is there, and is no text where a number belongs."""
        kind = "string" if isinstance(value, str) else "integer" if type(value) is int else None
        return value is not None and (kind is None or self.takes(kind) or (kind == "integer" and self.takes("number")))

    def takes(self, kind: str) -> bool:
        declared = self.schema.get("type", kind)
        return declared == kind or (isinstance(declared, list) and kind in declared)


@dataclass(frozen=True, slots=True)
class Mail:
    """A tool that sends a message, and the leaves that make one."""

    tool: ToolSpec
    to: Leaf
    body: Leaf
    subject: Leaf | None

    def arguments(self, address: str, subject: str, body: str) -> dict[str, Any]:
        recipient: Any = [address] if self.to.takes("array") and not self.to.takes("string") else address
        filled: list[tuple[Leaf, Any]] = [(self.to, recipient), (self.body, body)]
        return nest([*filled, (self.subject, subject)] if self.subject else filled)


def leaves(tool: ToolSpec) -> list[Leaf]:
    """Return the arguments of ``tool``, those inside objects too, in the schema's order."""
    return list(_leaves(tool.input_schema, (), True))


def _leaves(schema: Mapping[str, Any], path: tuple[str, ...], required: bool) -> Iterator[Leaf]:
    properties = schema.get("properties")
    needed = schema.get("required")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(name, str) or not isinstance(inner, dict):
            continue
        must = required and isinstance(needed, list) and name in needed
        if isinstance(inner.get("properties"), dict) and len(path) < _DEPTH:
            yield from _leaves(inner, (*path, name), must)
        else:
            yield Leaf((*path, name), inner, must)


def nest(filled: list[tuple[Leaf, Any]]) -> dict[str, Any]:
    """Return the arguments object that has each value at its leaf's place."""
    arguments: dict[str, Any] = {}
    for leaf, value in filled:
        place = arguments
        for step in leaf.path[:-1]:
            place = place.setdefault(step, {})
        place[leaf.name] = value
    return arguments


def is_id(name: str) -> bool:
    """Return whether ``name`` is that of an identifier."""
    plain = name.lower()
    return plain in {"id", "key", "number", "reference", "uuid"} or plain.endswith(("_id", "_number", "_key", "_uuid"))


def is_mail(name: str) -> bool:
    """Return whether ``name`` is that of an e-mail address."""
    return "mail" in name.lower()


def lookups(tools: tuple[ToolSpec, ...], clue: Clue) -> Iterator[tuple[ToolSpec, dict[str, Any]]]:
    """Yield the calls of read tools that look ``clue`` up."""
    for tool in tools:
        found = leaves(tool) if tool.effect == Effect.READ and not finds_passages(tool) else []
        leaf = _leaf_for(found, clue)
        if leaf is None or any(other.required for other in found if other is not leaf):
            continue
        if leaf.accepts(clue.text):
            yield tool, nest([(leaf, clue.text)])
        elif leaf.takes("integer") and clue.text.isdecimal():
            yield tool, nest([(leaf, int(clue.text))])


def finds_passages(tool: ToolSpec) -> bool:
    """Return whether ``tool`` searches texts, and no customers: a read that takes a query and says what it finds."""
    return (
        tool.effect == Effect.READ
        and query_leaf(tool) is not None
        and _PASSAGES.search(f"{tool.name} {tool.description}") is not None
    )


def query_leaf(tool: ToolSpec) -> Leaf | None:
    """Return where the words of a search go; None where the tool takes none, or needs something else."""
    found = leaves(tool)
    query = next((leaf for leaf in found if leaf.name.lower() in _QUERY and leaf.takes("string")), None)
    return None if any(leaf.required for leaf in found if leaf is not query) else query


def _leaf_for(found: list[Leaf], clue: Clue) -> Leaf | None:
    exact = [leaf for leaf in found if _FITS[clue.kind](leaf.name)]
    loose = [leaf for leaf in found if leaf.name.lower() in _QUERY]
    return next(iter(exact or loose), None)


def _is_name(name: str) -> bool:
    return name.lower() == "name" or name.lower().endswith("_name")


_FITS: Final[dict[str, Callable[[str], bool]]] = {"email": is_mail, "id": is_id, "name": _is_name}


def mail_tool(tools: tuple[ToolSpec, ...]) -> Mail | None:
    """Return the first irreversible tool that takes a recipient and a body, and needs nothing that we cannot give."""
    for tool in tools:
        found = leaves(tool) if tool.effect == Effect.IRREVERSIBLE else []
        to, body, subject = (_first(found, names) for names in (_RECIPIENT, _BODY, _SUBJECT))
        if to and body and all(leaf in (to, body, subject) for leaf in found if leaf.required):
            return Mail(tool, to, body, subject)
    return None


def _first(found: list[Leaf], names: tuple[str, ...]) -> Leaf | None:
    return next((leaf for name in names for leaf in found if leaf.name.lower() == name), None)
