"""What to say when a value does not fit a keyword of its schema; never repeats the value itself."""

import json
from collections.abc import Callable
from typing import Any, Final

MAX_CHOICES: Final = 12

_TYPES: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_FORMATS: Final = {
    "email": "an e-mail address such as name@example.org",
    "date": "a date such as 2026-05-31",
    "date-time": "a date and time with its zone, such as 2026-05-31T09:30:00Z",
    "uuid": "a UUID",
    "uri": "a complete address such as https://example.org/page",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
}


def sentence_for(keyword: str, wanted: Any, found: Any) -> str:
    """Return a plain sentence: ``keyword`` with the value ``wanted`` does not hold of ``found``."""
    say = _SENTENCES.get(keyword)
    return say(wanted, found) if say else f"This does not fit the tool's schema ({keyword})."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _type(wanted: Any, _found: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return f"This has to be {' or '.join(_TYPES.get(name, name) for name in names)}."


def _enum(wanted: list[Any], _found: Any) -> str:
    shown = ", ".join(_plain(value) for value in wanted[:MAX_CHOICES])
    more = f" and {len(wanted) - MAX_CHOICES} more" if len(wanted) > MAX_CHOICES else ""
    return f"This has to be one of: {shown}{more}."


def _min_length(wanted: int, found: str) -> str:
    if wanted == 1:
        return "This must not be empty."
    return f"This is too short: at least {_count(wanted, 'character')}, and it has {len(found):,}."


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


_SENTENCES: Final[dict[str, Callable[[Any, Any], str]]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda wanted, found: f"This has to be {_plain(wanted)}.",
    "minLength": _min_length,
    "maxLength": lambda wanted, found: (
        f"This is too long: at most {_count(wanted, 'character')}, and it has {len(found):,}."
    ),
    "minimum": lambda wanted, found: f"This has to be {wanted} or more.",
    "maximum": lambda wanted, found: f"This has to be {wanted} or less.",
    "exclusiveMinimum": lambda wanted, found: f"This has to be more than {wanted}.",
    "exclusiveMaximum": lambda wanted, found: f"This has to be less than {wanted}.",
    "multipleOf": lambda wanted, found: f"This has to be a multiple of {wanted}.",
    "pattern": lambda wanted, found: f"This does not have the form that the tool asks for ({wanted}).",
    "format": lambda wanted, found: f"This has to be {_FORMATS.get(wanted, wanted)}.",
    "minItems": lambda wanted, found: (
        f"This list needs at least {_count(wanted, 'entry').replace('entrys', 'entries')}."
    ),
    "maxItems": lambda wanted, found: (
        f"This list takes at most {_count(wanted, 'entry').replace('entrys', 'entries')}."
    ),
    "uniqueItems": lambda wanted, found: "This list names the same entry twice.",
    "minProperties": lambda wanted, found: f"This needs at least {_count(wanted, 'field')}.",
    "maxProperties": lambda wanted, found: f"This takes at most {_count(wanted, 'field')}.",
    "additionalProperties": lambda wanted, found: "This has a field that the tool does not have.",
    "unevaluatedProperties": lambda wanted, found: "This has a field that the tool does not have.",
    "anyOf": lambda wanted, found: "This fits none of the forms that the tool accepts here.",
    "oneOf": lambda wanted, found: "This has to fit exactly one of the forms that the tool accepts here.",
    "not": lambda wanted, found: "The tool excludes this value.",
    "dependentRequired": lambda wanted, found: "This is not complete: one of its fields needs another one.",
}
