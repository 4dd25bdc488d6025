"""The functions that every installation has: what workflows need between two nodes, and CEL cannot say."""

from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from agents.workflows.functions import Function, register

TEXT: Final = {"type": "string"}
LIST: Final = {"type": "array"}
OBJECT: Final = {"type": "object"}
NUMBER: Final = {"type": "number"}


def _takes(*optional: str, **fields: dict[str, Any]) -> dict[str, Any]:
    needed = [name for name in fields if name not in optional]
    return {"type": "object", "properties": fields, "required": needed, "additionalProperties": False}


def _number(values: list[int | float]) -> int | float:
    return sum(values)


def _pick(rows: list[dict[str, Any]], fields: list[str]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in fields if name in row} for row in rows]


def _unique(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in found):
            found.append(value)
    return found


def _portions(values: list[Any], size: int) -> list[list[Any]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


FUNCTIONS: Final = (
    Function("same", "Gives back what it is given.", lambda value: value, _takes(value={})),
    Function(
        "text.join", "Joins texts.", lambda texts, between="": between.join(texts),
        _takes("between", texts={"type": "array", "items": TEXT}, between=TEXT), TEXT,
    ),
    Function("text.lines", "Splits a text into its lines.", lambda text: text.splitlines(), _takes(text=TEXT), LIST),
    Function(
        "list.sum", "Adds numbers; whole ones stay whole.", _number,
        _takes(values={"type": "array", "items": NUMBER}), NUMBER,
    ),
    Function(
        "list.unique", "Leaves out what was there before; at most 1,000 values.", _unique,
        _takes(values={"type": "array", "maxItems": 1000}), LIST,
    ),
    Function(
        "list.portions", "Cuts a list into portions of a size.", _portions,
        _takes(values=LIST, size={"type": "integer", "minimum": 1}), LIST,
    ),
    Function(
        "rows.pick", "Keeps of each row the named fields.", _pick,
        _takes(rows={"type": "array", "items": OBJECT}, fields={"type": "array", "items": TEXT}), LIST,
    ),
)  # fmt: skip


def register_all() -> None:
    """Let ``code`` nodes call the functions of every installation, and this one's own."""
    own = [import_string(path) for path in settings.WORKFLOW_FUNCTIONS]
    for function in (*FUNCTIONS, *own):
        register(function)
