"""What no log line may hold: secrets, and the words and values of tickets, models and tools (DESIGN invariant 15).

Our own lines name ids. What is left is what others put into them: an exception quotes what it choked on, a library logs
what it was given. So only errors that speak of machines keep their words; of every other one the kind and the place
are logged, which is what a defect is found by. A last look takes out whatever still reads like a secret.
"""

import logging
import re
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

from redis.exceptions import RedisError

SECRET_WORDS = ("password", "secret", "token", "authorization", "api_key", "apikey", "cookie", "credential")
HIDDEN = "(hidden)"
SHORTEST: Final = 8
"""Characters of a secret below which taking it out of every line would hit ordinary words."""
LOOKS_SECRET: Final = re.compile(
    r"\bcs_[0-9a-f]{12}_[\w-]{20,}|\b(?:whsec_|sk-|sk_|rk_|xox[a-z]-|gh[pousr]_)[\w-]{8,}|(?<=://)[^\s/@]+(?=@)"
    r"|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{8,}|-----BEGIN[^-]*PRIVATE KEY-----"
)
OF_OTHERS: Final = frozenset({"exc", "traceback", "args", "kwargs"})
"""What Celery puts into its lines about a task that failed."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def about_machines(error: BaseException) -> bool:
    """Say whether an error's words are about servers and sockets, and never about what was sent to them."""
    named = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, RedisError | OSError) or bool(named & {"OperationalError", "InterfaceError"})


def said(error: BaseException) -> str:
    """Return an error as it may be logged: its kind, and its words where they are about machines."""
    kind = type(error).__qualname__
    return f"{kind}: {error}".strip() if about_machines(error) else f"{kind} (its words are not logged)"


def trace_of(error: BaseException, seen: frozenset[int] = frozenset()) -> str:
    """Return the traceback of ``error`` and of what led to it: places and kinds, no words and no locals."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    first = trace_of(before, seen | {id(error)}) if before is not None and id(before) not in seen else ""
    places = "".join(traceback.format_tb(error.__traceback__))
    return f"{first}\nwhich led to:\n{places}{said(error)}" if first else f"{places}{said(error)}"


def show_places(exc_info: ExcInfo) -> str:
    """Return what `structlog` is to show of an exception."""
    return trace_of(exc_info[1])


def write_places(file: Any, exc_info: ExcInfo) -> None:
    """Write it for people (the signature that structlog's console renderer asks for)."""
    file.write("\n" + show_places(exc_info))


class QuietArguments(logging.Filter):
    """Takes the words of errors, and of rows that bear a person's title, out of a record before it is put together."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, made harmless."""
        if isinstance(record.args, tuple):
            record.args = tuple(_harmless(value) for value in record.args)
        elif isinstance(record.args, Mapping):
            record.args = {
                name: HIDDEN if name in OF_OTHERS else _harmless(value) for name, value in record.args.items()
            }
        return True


def _harmless(value: Any) -> Any:
    if isinstance(value, BaseException):
        return said(value)
    if hasattr(value, "_meta") and hasattr(value, "pk"):
        return f"{value._meta.label} {value.pk}"
    return value


class Redaction:
    """The last processor before a line is written; ``secrets`` are the values of our own settings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        own = sorted({re.escape(secret) for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._own = re.compile("|".join(own)) if own else None

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Replace the values of keys that are named like secrets, and what reads like one, at any depth."""
        for key, value in event.items():
            if not key.startswith("_"):
                event[key] = HIDDEN if _is_secret(key) else self._cleaned(value)
        return event

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            value = LOOKS_SECRET.sub(HIDDEN, value)
            return self._own.sub(HIDDEN, value) if self._own else value
        if isinstance(value, BaseException):
            return said(value)
        if isinstance(value, Mapping):
            return {key: HIDDEN if _is_secret(key) else self._cleaned(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(item) for item in value]
        return value


def _is_secret(key: object) -> bool:
    return any(word in str(key).lower() for word in SECRET_WORDS)
