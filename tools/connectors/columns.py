"""Columns of an outside table: what a tool's options say about them, as JSON Schema, and as JSON values.

JSON values are exact, so that an undo restores what was there (floats that had been numbers broke undo before):

- whole numbers are JSON numbers, and beyond 2**53 - 1 (which JSON cannot carry) their digits as text; a column that
  may hold such numbers is declared ``bigint``, and then is always text;
- ``decimal`` (numeric) is text with its scale (``"12.50"``); ``number`` (double precision) is a JSON number;
- dates and times are ISO 8601 text, aware times in UTC; booleans are booleans; NULL is null;
- everything else is the text that PostgreSQL prints; in the images of a change that holds for whatever is declared as
  ``text``, also for json, arrays, intervals and char(n), so that comparing and undoing are exact there too.

Towards the database every value travels as text of unknown type, and PostgreSQL reads it as the column's own type:
nothing is rounded on the way, whether the column is smallint, real, numeric or an enumeration.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from tools.connectors.base import Refused
from workspaces.canonical import MAX_SAFE_INTEGER

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DECIMAL_PATTERN: Final = r"^-?[0-9]{1,100}(\.[0-9]{1,100})?$"
BIG_PATTERN: Final = r"^-?[0-9]{1,19}$"
NO_NUL: Final = r"^[^\x00]*$"
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string", "pattern": NO_NUL},
    "integer": {"type": "integer", "minimum": -MAX_SAFE_INTEGER, "maximum": MAX_SAFE_INTEGER},
    "bigint": {"type": "string", "pattern": BIG_PATTERN},
    "decimal": {"type": "string", "pattern": DECIMAL_PATTERN},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a tool may use: ``{"name", "type", "enum", "max_length", "nullable", "description"}``."""

    name: str
    type: str = "text"
    enum: tuple[Any, ...] = ()
    max_length: int | None = None
    nullable: bool = False
    description: str = ""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one value of this column."""
        schema: dict[str, Any] = dict(SCHEMAS[self.type])
        if self.enum:
            schema = {"enum": list(self.enum)}
            if all(isinstance(value, str) for value in self.enum):
                schema = {"type": "string", **schema}
        if self.max_length is not None:
            schema["maxLength"] = self.max_length
        if self.nullable:
            schema = {"anyOf": [schema, {"type": "null"}]}
        if self.description:
            schema["description"] = self.description
        return schema


def columns(listed: Any, *, of: str) -> list[Column]:
    """Return the columns of one option (names, or objects as in ``Column``); raise ``Refused`` with what is wrong."""
    if not isinstance(listed, list) or not listed:
        raise Refused(f"The tool's option {of} must list at least one column: correct the tool.")
    found = [column(item, of=of) for item in listed]
    if len({item.name for item in found}) != len(found):
        raise Refused(f"The tool's option {of} names a column twice: correct the tool.")
    return found


def column(item: Any, *, of: str) -> Column:
    """Return one column of an option; raise ``Refused`` with what is wrong."""
    fields = {"name": item} if isinstance(item, str) else item
    if not isinstance(fields, Mapping) or not isinstance(fields.get("name"), str) or not fields["name"]:
        raise Refused(f"The tool's option {of} must name its columns: correct the tool.")
    known = set(Column.__dataclass_fields__)
    if extra := set(fields) - known:
        raise Refused(f"The tool's option {of} says {', '.join(sorted(extra))}, which a column does not have.")
    if fields.get("type", "text") not in SCHEMAS:
        raise Refused(f"The column {fields['name']} has no type that is known: one of {', '.join(SCHEMAS)}.")
    return Column(**{**fields, "enum": tuple(fields.get("enum") or ())})


def parameter(column: Column, value: Any) -> str | None:
    """Return ``value`` as the text that PostgreSQL reads as the column's type; raise ``Refused`` where it cannot be."""
    if value is None:
        return None
    if isinstance(value, bool) != (column.type == "boolean"):
        raise Refused(f"{column.name} does not take this kind of value.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if not isinstance(value, int | str) or (isinstance(value, int) and column.type not in {"integer", "number"}):
        raise Refused(f"{column.name} does not take this kind of value.")
    text = str(value)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused(f"{column.name} has a character that PostgreSQL cannot store.")
    return text


def json_value(value: Any) -> Any:
    """Return a value that psycopg read as the JSON value that the module's docstring promises."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value), parse_int=_whole)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return str(value)


def image(listed: Iterable[Column], row: Iterable[Any]) -> dict[str, Any]:
    """Return one row as a JSON object."""
    found = {}
    for item, value in zip(listed, row, strict=True):
        whole = item.type == "bigint" and isinstance(value, int)
        found[item.name] = str(value) if whole else json_value(value)
    return found


def differs(one: Any, other: Any) -> bool:
    """Return whether two JSON values are not the same (true is not 1)."""
    return isinstance(one, bool) != isinstance(other, bool) or bool(one != other)


def same(column: Column, one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same value of this column (12.5 is 12.50)."""
    if one is None or other is None:
        return one is other
    try:
        return bool(_comparable(column, one) == _comparable(column, other))
    except (ValueError, ArithmeticError, TypeError):
        return not differs(one, other)


def object_schema(properties: dict[str, Any], *, required: list[str], at_least: int = 0) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an object with these properties and no others."""
    schema = {"$schema": DIALECT, "type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    if at_least:
        schema["minProperties"] = at_least
    return schema


def _comparable(column: Column, value: Any) -> Any:
    if column.type in {"decimal", "integer", "bigint"}:
        return Decimal(str(value))
    if column.type == "number":
        return float(value)
    if column.type == "datetime":
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (type(value), value)


def _whole(digits: str) -> int | str:
    number = int(digits)
    return number if abs(number) <= MAX_SAFE_INTEGER else digits
