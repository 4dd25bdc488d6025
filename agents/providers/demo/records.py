"""What the tools answered: the customers that were found, and what became of each call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agents.providers.base import AssistantTurn, ModelRequest, ToolCall, ToolResult
from agents.providers.demo.shapes import Row, is_id, is_mail
from agents.providers.demo.ticket import is_address
from tools.states import Effect
from workspaces.canonical import loads

_DEPTH: Final = 4
_MAX_ROWS: Final = 100
_ENVELOPE: Final = {"status", "error", "reason", "reasons", "changed", "answer"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call and what was said about it; ``status`` is empty while nothing was."""

    call: ToolCall
    effect: str
    status: str
    said: dict[str, Any]


def outcomes(request: ModelRequest) -> list[Outcome]:
    """Return every call so far with its result, in order."""
    effects = {tool.name: tool.effect for tool in request.tools}
    results = {message.call_id: message for message in request.messages if isinstance(message, ToolResult)}
    calls = [call for message in request.messages if isinstance(message, AssistantTurn) for call in message.calls]
    return [_outcome(call, effects.get(call.name, ""), results.get(call.id)) for call in calls]


def _outcome(call: ToolCall, effect: str, result: ToolResult | None) -> Outcome:
    if result is None:
        return Outcome(call, effect, "", {})
    try:
        parsed = loads(result.content)
    except ValueError:
        parsed = result.content[:300]
    said = parsed if isinstance(parsed, dict) else {"result": parsed}
    status = said.get("status")
    if not isinstance(status, str):
        status = "failed" if result.is_error else "succeeded"
    return Outcome(call, effect, "edited" if said.get("changed") else status, said)


@dataclass(frozen=True, slots=True)
class Person:
    """One customer: what each read tool shows of them, the first one's row first."""

    rows: list[Row]
    tools: list[str]

    @property
    def row(self) -> Row:
        return self.rows[0]

    def is_shown_as(self, tool: str, row: Row) -> bool:
        """Say whether ``row`` is this person too: the same record, or the same address in another system."""
        if any(_identity(mine) == _identity(row) and _same_address(mine, row) is not False for mine in self.rows):
            return True
        return tool not in self.tools and any(_same_address(mine, row) for mine in self.rows)


def people(known: list[Outcome]) -> list[Person]:
    """Return the different people that succeeded reads have shown, whichever system they are in."""
    found: list[Person] = []
    for outcome in known:
        if outcome.effect == Effect.READ and outcome.status == "succeeded":
            for row in _rows({key: value for key, value in outcome.said.items() if key not in _ENVELOPE}, 0):
                _place(found, outcome.call.name, row)
                if len(found) >= _MAX_ROWS:
                    break
    return found


def _place(found: list[Person], tool: str, row: Row) -> None:
    person = next((person for person in found if person.is_shown_as(tool, row)), None)
    if person is None:
        found.append(Person([row], [tool]))
    elif all(_identity(mine) != _identity(row) for mine in person.rows):
        person.rows.append(row)
        person.tools.append(tool)


def _same_address(one: Row, other: Row) -> bool | None:
    """Say whether two rows have the same address; None where one of them has none."""
    mine, theirs = address_of(one), address_of(other)
    return None if mine is None or theirs is None else mine.casefold() == theirs.casefold()


def _rows(value: object, depth: int) -> Iterator[Row]:
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        if _is_customer(value):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _rows(item, depth + 1)


def _is_customer(row: dict[str, Any]) -> bool:
    """A customer has an id or an address of its own, and an address or a name."""
    names = {name for name, value in row.items() if isinstance(value, str | int) and not isinstance(value, bool)}
    has_mail = any(is_mail(name) and is_address(row[name]) for name in names)
    return has_mail or (any(map(is_id, names)) and "name" in names)


def _identity(row: Row) -> str:
    ids = sorted(name for name in row if is_id(name) and isinstance(row[name], str | int))
    exact = [name for name in ids if name.lower() == "id"] or ids
    return f"id {row[exact[0]]}" if exact else f"address {address_of(row)}".casefold()


def address_of(row: Row) -> str | None:
    """Return the customer's address on record."""
    return next((value for name, value in row.items() if is_mail(name) and is_address(value)), None)


def value_for(row: Row, name: str) -> Any:
    """Return what the row has under ``name``, or under its other spelling for ids (``customer_id``, ``id``)."""
    if name in row:
        return row[name]
    if not is_id(name):
        return None
    others = [key for key in row if is_id(key)]
    if name.lower() != "id" and "id" in row:
        return row["id"]
    return row[others[0]] if len(others) == 1 else None
