"""Tool names as the providers' interfaces allow them, and back.

The interfaces take ``[a-zA-Z0-9_-]{1,64}``; our names have dots. Within one set of tools the mapping is one to one and
depends on nothing but the set, so that the same tool has the same name in every turn of a run.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_MAX: Final = 64


class ToolNames:
    """The one-to-one mapping between the names of ``names`` and what is sent."""

    def __init__(self, names: Iterable[str]) -> None:
        self._safe: dict[str, str] = {}
        self._ours: dict[str, str] = {}
        for name in sorted(set(names), key=lambda item: (_candidate(item) != item, item)):
            safe = _candidate(name)
            if safe in self._ours or len(name) > _MAX:
                safe = f"{safe[: _MAX - 11]}_{hashlib.sha256(name.encode()).hexdigest()[:10]}"
            self._safe[name] = safe
            self._ours[safe] = name

    def safe(self, name: str) -> str:
        """Return the name to send; a name outside the set is only made acceptable."""
        return self._safe.get(name) or _candidate(name)

    def ours(self, safe: str) -> str | None:
        """Return our name of what the model called, or None where there is no such tool."""
        return self._ours.get(safe)


def _candidate(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_MAX] or "_"
