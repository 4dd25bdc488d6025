"""Salted digests: how anything that could be about a person goes into the ledger (DESIGN section 3).

The ledger keeps its events for ever, so it must not hold what somebody may later have to forget: not a text, and not
its plain digest either, from which a short text can be guessed. Events carry HMACs under a salt of the run, which is a
row of its own. Whoever holds the salt can show what an event is about; erasing that one row ends it for all events of
the run, and every seal still verifies.
"""

from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from audit.ledger.recording import salted_digest
from workspaces.canonical import canonical
from workspaces.models.salt import Salt

MOST_REMEMBERED: Final = 4096
REMEMBERED_SECONDS: Final = 30.0
"""For so long a process may still use a salt that another one has erased."""
_remembered: dict[tuple[UUID, UUID], tuple[bytes, float]] = {}


def salted(workspace_id: UUID, scope_id: UUID, value: Any) -> str:
    """Return the digest of ``value`` (JSON) under the salt of ``scope_id``, as 64 hexadecimal digits."""
    return salted_digest(canonical(value).decode(), salt_of(workspace_id, scope_id))


def salt_of(workspace_id: UUID, scope_id: UUID) -> bytes:
    """Return the salt of a scope, made when it is first asked for.

    A process remembers the salts that are committed for half a minute, so that a busy run seldom asks for its own.
    """
    key = (workspace_id, scope_id)
    known, until = _remembered.get(key, (b"", 0.0))
    if monotonic() < until:
        return known
    value = _stored(*key)
    if value is None:
        Salt.objects.bulk_create([Salt(workspace_id=workspace_id, scope_id=scope_id)], ignore_conflicts=True)
        value = _stored(*key)
    if value is None:
        raise LookupError("The salt of this run was erased while it was being read. Try again.")
    found = value
    transaction.on_commit(lambda: _remember(key, found))
    return found


def forget(workspace_id: UUID, scope_id: UUID) -> None:
    """Drop a salt from this process's memory."""
    _remembered.pop((workspace_id, scope_id), None)


def _stored(workspace_id: UUID, scope_id: UUID) -> bytes | None:
    found = Salt.objects.filter(workspace_id=workspace_id, scope_id=scope_id).values_list("value", flat=True).first()
    return None if found is None else bytes(found)


def _remember(key: tuple[UUID, UUID], value: bytes) -> None:
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[key] = (value, monotonic() + REMEMBERED_SECONDS)
