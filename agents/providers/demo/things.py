"""Tools that act on a customer's things (a charge, a subscription), told from the shape of their schemas.

Such a tool needs the thing's id and may name its owner; a read tool that takes both of these arguments finds the things
of an owner. A refund takes an amount and its currency besides and cannot be undone; a switch takes one yes or no, and
can.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agents.providers.base import ToolSpec
from agents.providers.demo.records import Outcome
from agents.providers.demo.shapes import Leaf, Row, leaves, nest
from agents.providers.demo.wishes import Wish
from tools.states import Effect

_OWNER: Final = ("customer", "account", "client")
_CHARGE: Final = ("charge", "payment", "transaction")
_SUBSCRIPTION: Final = ("subscription", "membership")
_SWITCH: Final = ("cancel", "cancelled", "end")
_REASON: Final = "requested_by_customer"


@dataclass(frozen=True, slots=True)
class Errand:
    """One tool that acts on a thing, and the one that finds it; leaves by what they are for."""

    tool: ToolSpec
    finder: ToolSpec
    thing: Leaf
    owner: Leaf
    rest: dict[str, Leaf]

    def finding(self, owner: str) -> dict[str, Any]:
        """Return the arguments that find the owner's things."""
        leaf = next(leaf for leaf in leaves(self.finder) if leaf.name == self.owner.name)
        return nest([(leaf, owner)])

    def arguments(self, row: Row, owner: str, **given: Any) -> dict[str, Any]:
        """Return the arguments that act on ``row``; what the tool has no place for is left out."""
        filled = [(self.thing, row.get("id")), (self.owner, owner)]
        return nest([*filled, *((self.rest[name], value) for name, value in given.items() if name in self.rest)])

    def is_owner(self, value: object) -> bool:
        """Return whether ``value`` may be the id of an owner at this system."""
        return isinstance(value, str) and _fits(self.owner, value)

    def things_named(self, text: str) -> set[str]:
        """Return the words of ``text`` that have the form of this thing's id, where the schema says what that is."""
        if not isinstance(self.thing.schema.get("pattern"), str):
            return set()
        return {word for word in re.findall(r"[A-Za-z0-9_-]{4,255}", text) if _fits(self.thing, word)}


def errand_for(wish: Wish, tools: tuple[ToolSpec, ...]) -> Errand | None:
    """Return the first tool that can do what is wished, with a finder; None where there is none."""
    return next(_refunds(tools) if wish == Wish.REFUND else _switches(tools), None)


def _refunds(tools: tuple[ToolSpec, ...]) -> Iterator[Errand]:
    for tool in tools:
        found = {leaf.name.lower(): leaf for leaf in leaves(tool)} if tool.effect == Effect.IRREVERSIBLE else {}
        money: dict[str, Leaf] = {name: found[name] for name in ("amount", "currency") if name in found}
        if len(money) == 2 and money["amount"].takes("integer"):
            yield from _errand(tool, tools, found, _CHARGE, {**money, **_reason(found)})


def _switches(tools: tuple[ToolSpec, ...]) -> Iterator[Errand]:
    for tool in tools:
        found = {leaf.name.lower(): leaf for leaf in leaves(tool)} if tool.effect == Effect.REVERSIBLE else {}
        switch = next((found[name] for name in _SWITCH if name in found and found[name].takes("boolean")), None)
        if switch is not None:
            yield from _errand(tool, tools, found, _SUBSCRIPTION, {"switch": switch})


def _errand(
    tool: ToolSpec, tools: tuple[ToolSpec, ...], found: dict[str, Leaf], names: tuple[str, ...], rest: dict[str, Leaf]
) -> Iterator[Errand]:
    thing, owner = (next((found[name] for name in wanted if name in found), None) for wanted in (names, _OWNER))
    if thing is None or owner is None:
        return
    used = [thing, owner, *rest.values()]
    if any(leaf.required and leaf not in used for leaf in found.values()):
        return
    for finder in tools:
        taken = {leaf.name: leaf for leaf in leaves(finder)} if finder.effect == Effect.READ else {}
        if {thing.name, owner.name} <= taken.keys() and not any(leaf.required for leaf in taken.values()):
            yield Errand(tool, finder, thing, owner, rest)


def _reason(found: dict[str, Leaf]) -> dict[str, Leaf]:
    return {"reason": found["reason"]} if "reason" in found and _REASON in found["reason"].choices else {}


def _fits(leaf: Leaf, value: str) -> bool:
    pattern = leaf.schema.get("pattern")
    if not leaf.takes("string"):
        return False
    try:
        return not isinstance(pattern, str) or re.search(pattern, value) is not None
    except re.error:
        return False


def rows_in(outcome: Outcome) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows that a finder showed, and whether there are more."""
    result = outcome.said.get("result")
    shown = result.get("rows") if isinstance(result, dict) else None
    rows = [row for row in shown if isinstance(row, dict)] if isinstance(shown, list) else []
    return rows, not isinstance(result, dict) or bool(result.get("truncated")) or not isinstance(shown, list)
