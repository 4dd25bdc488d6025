"""Taking something that is to be forgotten out of what was written down: texts, and JSON that may hold it anywhere.

A text is taken out wherever it stands, whatever its case; one that is too short to say by itself where it came from
(``SHORTEST``) only where it is the whole of a text. Numbers and truth values are left to who knows their place.
"""

import re
from typing import Any, Final

MARK: Final = "[forgotten]"
SHORTEST: Final = 4
GONE: Final[dict[str, Any]] = {"forgotten": True}
"""What stands instead of an object that held it."""


def without(value: Any, secret: object) -> Any:
    """Return JSON ``value`` without ``secret``; the very same object where it does not hold it."""
    if not isinstance(secret, str) or not secret.strip():
        return value
    return _without(value, secret.strip())


def _without(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return _text(value, secret)
    if isinstance(value, dict):
        made = {_text(str(name), secret): _without(part, secret) for name, part in value.items()}
        return made if made != value else value
    if isinstance(value, list):
        parts = [_without(part, secret) for part in value]
        return parts if parts != value else value
    return value


def _text(text: str, secret: str) -> str:
    if len(secret) < SHORTEST:
        return MARK if text.strip().casefold() == secret.casefold() else text
    spaced = r"\s+".join(re.escape(word) for word in secret.split())
    return re.sub(spaced, MARK, text, flags=re.IGNORECASE)
