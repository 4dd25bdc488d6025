"""Typed environment readers; a secret may come from a file named by ``NAME_FILE``."""

import json
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_recorded: dict[str, str] = {}


def use_recorded(*files: Path) -> None:
    """Let the JSON objects in ``files`` answer for what the environment does not name.

    The demo writes there what it started, so that ``manage.py`` in another terminal finds the same database and keys.
    """
    _recorded.clear()
    for file in files:
        with suppress(OSError, ValueError):
            found = json.loads(file.read_text())
            _recorded.update({name: value for name, value in found.items() if isinstance(value, str)})


def text(name: str, default: str = "") -> str:
    """Return the setting ``name`` from the environment, or from the file that ``NAME_FILE`` names."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    return os.environ.get(name) or _recorded.get(name) or default


def flag(name: str, default: bool = False) -> bool:
    """Return whether ``name`` is one of 1, true, yes, on."""
    value = text(name)
    return value.lower() in {"1", "true", "yes", "on"} if value else default


def number(name: str, default: int) -> int:
    """Return ``name`` as a whole number."""
    value = text(name)
    return int(value) if value else default


def names(name: str, default: str = "") -> list[str]:
    """Return ``name`` split at commas, without blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def database(url: str) -> dict[str, object]:
    """Return Django's database settings of a ``postgresql://`` address (a host in the query is a socket folder)."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": query,
    }


def traces_endpoint() -> str:
    """Return where spans go, by the names that OpenTelemetry's own libraries read; empty where they go nowhere."""
    base = text("OTEL_EXPORTER_OTLP_ENDPOINT")
    named = text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (f"{base.rstrip('/')}/v1/traces" if base else "")
    return "" if flag("OTEL_SDK_DISABLED") else named
