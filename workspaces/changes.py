"""Whether saving would change anything: what is so already is not written again, and no event tells of it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Model

from workspaces.canonical import canonical


def is_unchanged(row: Model | None, values: Mapping[str, Any]) -> bool:
    """Say whether ``row`` is there and holds ``values`` already; JSON is compared by its canonical form."""
    return row is not None and all(_same(getattr(row, name), value) for name, value in values.items())


def _same(stored: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict | list):
        return isinstance(stored, dict | list) and canonical(stored) == canonical(wanted)
    return bool(stored == wanted)
