"""Canonical JSON (RFC 8785) for the ledger alone: the cellar borrows nothing from the floors above.

Bodies hold text, whole numbers, booleans, null, lists and objects, and no floats: PostgreSQL's ``jsonb`` and other
languages do not give every float back as it was written, and a digest must survive both.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import rfc8785

from audit.ledger.errors import UnusableEvent

_LONG_NUMBER = re.compile(r"[0-9]{16}")


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of ``value``; raise ``UnusableEvent`` where it has none."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise UnusableEvent(f"This cannot be written to the ledger: {error}. Sanitise it first.") from error


def canonical_of_plain(value: Any) -> bytes:
    """Return the canonical bytes of what ``plain`` has returned; errors are those of ``canonical``.

    Without floats, and in ASCII, the standard library writes RFC 8785's form itself, and several times faster. What
    might hold a number beyond 2^53, or sorts by UTF-16, goes the long way.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() if text.isascii() and not _LONG_NUMBER.search(text) else canonical(value)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical bytes of ``value``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def instant(at: datetime) -> str:
    """Return ``at`` as text in UTC with microseconds, such as ``2026-01-31T09:30:00.000000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's types: ids, times and decimals become text; floats and NUL are refused."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo:
        return instant(value)
    raise UnusableEvent(
        f"A ledger body cannot hold a {type(value).__name__}. "
        "Write amounts and fractions as text, and times as aware datetimes."
    )


def _text(value: str) -> str:
    if "\x00" in value:
        raise UnusableEvent("A ledger body cannot hold the character NUL. Sanitise the text first.")
    return str.__str__(value)


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise UnusableEvent(f"A ledger body's keys are text, not {type(value).__name__}.")
    return _text(value)
