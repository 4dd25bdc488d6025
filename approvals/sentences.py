"""Computed facts as sentences: what an action would do, and whether it can be taken back. No model has a say here."""

import json
from typing import Any

from approvals.amounts import AMOUNTS, moved
from approvals.diffs import label_of
from tools.models import Action
from tools.states import Effect

UNDO = {
    Effect.READ: "It changes nothing.",
    Effect.REVERSIBLE: "It can be undone exactly.",
    Effect.COMPENSATABLE: "It cannot be undone, only countered by another action.",
    Effect.IRREVERSIBLE: "It cannot be undone.",
}
Json = dict[str, Any]
MAX_TITLE = 300
MAX_VALUE = 60
MAX_PARTS = 4


def title_of(action: Action) -> str:
    """Return one line of facts of at most 300 letters: the tool's title, what it is about, what changes or is sent."""
    target, values = named(action.arguments, action.tool.input_schema, action.before_image, action.predicted)
    more = f", and {len(values) - MAX_PARTS} more" if len(values) > MAX_PARTS else ""
    about = f"{action.tool.title} {target}".strip()
    said = ", ".join(values[:MAX_PARTS]) + more
    return _cut(f"{about}: {said}" if said else about, MAX_TITLE)


def named(arguments: Json, schema: Json, before: Any, after: Any) -> tuple[str, list[str]]:
    """Return which object an action is about, and what of it would change or be sent: short values only, by name."""
    if isinstance(before, dict) and isinstance(after, dict):
        if money := moved(before, after):
            same = [n for n, v in arguments.items() if before.get(n) == v and n not in {"currency", *AMOUNTS}]
            return money, [f"{label_of([n])} {short(arguments[n])}" for n in same]
        same = [name for name, value in arguments.items() if before.get(name) == value]
        other = [name for name in after if before.get(name) != after[name]]
        changed = [f"{label_of([n])} {short(before.get(n))} → {short(after[n])}" for n in other]
        return ", ".join(f"{label_of([n])} {short(arguments[n])}" for n in same), changed
    needed = [name for name in schema.get("required", []) if name in arguments]
    order = list(dict.fromkeys([*needed, *arguments]))
    brief = [n for n in order if not isinstance(arguments[n], dict | list) and len(str(arguments[n])) <= MAX_VALUE]
    said = [f"{label_of([n])} {short(arguments[n])}" for n in brief]
    return (said[0], said[1:MAX_PARTS]) if said else ("", [])


def undo_sentence(action: Action, *, has_undo: bool) -> str:
    """Return whether and how the action can be taken back."""
    effect = Effect(action.effect)
    if effect == Effect.REVERSIBLE and not has_undo:
        return "This tool can usually be undone, but no undo is known for this call."
    if effect == Effect.REVERSIBLE:
        return f"{UNDO[effect]} The state before it is on record, and {action.tool.title} puts it back."
    return UNDO[effect]


def short(value: Any) -> str:
    """Return a value in one line of at most 60 letters; nothing at all is a word."""
    if value is None or value == "":
        return "empty"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(" ".join(text.split()), MAX_VALUE)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
