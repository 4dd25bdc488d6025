"""Computed facts as sentences: what an action would do, and whether it can be taken back. No model has a say here."""

from typing import Any

from tools.models import Action
from tools.states import Effect

UNDO = {
    Effect.READ: "It changes nothing.",
    Effect.REVERSIBLE: "It can be undone exactly.",
    Effect.COMPENSATABLE: "It cannot be undone, only countered by another action.",
    Effect.IRREVERSIBLE: "It cannot be undone.",
}
MAX_TITLE = 300
MAX_VALUE = 60
MAX_PARTS = 4


def title_of(action: Action) -> str:
    """Return one line of facts: the tool's title, then what changes or what is sent; at most 300 characters."""
    changes = _changes(action.before_image, action.predicted)
    parts = changes or [f"{name}: {_short(value)}" for name, value in action.arguments.items()]
    more = f", and {len(parts) - MAX_PARTS} more" if len(parts) > MAX_PARTS else ""
    said = ", ".join(parts[:MAX_PARTS]) + more
    return _cut(f"{action.tool.title}: {said}" if said else action.tool.title, MAX_TITLE)


def undo_sentence(action: Action, *, has_undo: bool) -> str:
    """Return whether and how the action can be taken back."""
    effect = Effect(action.effect)
    if effect == Effect.REVERSIBLE and not has_undo:
        return "This tool can usually be undone, but no undo is known for this call."
    if effect == Effect.REVERSIBLE:
        return f"{UNDO[effect]} The state before it is on record, and {action.tool.title} puts it back."
    return UNDO[effect]


def _changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    if before is None or after is None:
        return []
    names = [name for name in after if before.get(name) != after[name]]
    return [f"{name}: {_short(before.get(name))} → {_short(after[name])}" for name in names]


def _short(value: Any) -> str:
    if value is None or value == "":
        return "empty"
    text = value if isinstance(value, str) else str(value)
    return _cut(" ".join(text.split()), MAX_VALUE)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
