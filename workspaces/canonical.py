"""Canonical JSON (RFC 8785) and the digests over it.

Everything that is digested goes through here, so that the same value has the same bytes wherever it was stored.
Model output is sanitised first: NaN, lone surrogates and integers beyond 2**53 have no canonical form.
"""

import hashlib
import json
import math
from typing import Any

import rfc8785

MAX_SAFE_INTEGER = 2**53 - 1

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of ``value``; raise ``ValueError`` where it has none."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ValueError(f"This value has no canonical JSON form: {error}") from error


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sanitise(value: Any) -> Any:
    """Return ``value`` with everything that JSON or PostgreSQL cannot hold made visible as text.

    Lone surrogates and NUL become U+FFFD; NaN, infinities and integers beyond 2**53 become their text; tuples become
    lists; keys become text.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {sanitise(str(key)): sanitise(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sanitise(item) for item in value]
    return sanitise(str(value))


def loads(text: str) -> Any:
    """Parse JSON strictly (no NaN, no duplicate keys) and sanitise it; raise ``ValueError`` with a sentence."""
    try:
        return sanitise(json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys))
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A JSON object names the same key twice.")
    return found
