"""Typed environment readers; a secret may come from a file named by ``NAME_FILE``."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit


def text(name: str, default: str = "") -> str:
    """Return the setting ``name`` from the environment, or from the file that ``NAME_FILE`` names."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    return os.environ.get(name, default)


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
