"""What is sent twice is done once: the answer is stored with the change, and found again by its key.

The answer is stored in the transaction that makes the change, so a crash leaves both or neither: a repeat then finds
the answer, or does what was never done. A refusal changes nothing and is not stored; its repeat is judged anew. A lock
that ends with its transaction keeps the second out while the first is under way. The API's ``Idempotency-Key`` and the
console's one-time form keys both rest on this.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from workspaces.errors import InvalidInput, StaleState
from workspaces.models import IdempotencyRecord, User, Workspace

Stored = dict[str, Any]


class KeyInUse(StaleState):
    """The first request with this key is still being worked on."""

    code = "idempotency_key_in_use"


class KeyReused(InvalidInput):
    """The key was used before for something else."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """One thing that somebody asks for: ``key`` is theirs, ``body`` the digest of what they asked at ``endpoint``."""

    workspace: Workspace
    by: User
    endpoint: str
    key: str
    body: str


def answer_once(
    asked: Repeatable, perform: Callable[[], tuple[int, Stored]], *, wait: bool = False
) -> tuple[int, Stored, bool]:
    """Return status and content of ``perform``, or of the first time, and whether it was answered before.

    Raise ``KeyInUse`` (409) while the first is under way, or wait for it where ``wait`` is given (a browser shows only
    the last answer); ``KeyReused`` (422) where the same key came with another body.
    """
    place = {"workspace": asked.workspace, "user": asked.by, "endpoint": asked.endpoint[:200], "key": asked.key}
    with transaction.atomic():
        _lock(asked, wait)
        if earlier := IdempotencyRecord.objects.filter(**place).first():
            if earlier.request_digest != asked.body:
                raise KeyReused("This key was used before for another request.", "Send a fresh Idempotency-Key.")
            return earlier.status_code or 200, earlier.response or {}, True
        status, stored = perform()
        IdempotencyRecord.objects.create(**place, request_digest=asked.body, status_code=status, response=stored)
    return status, stored, False


def _lock(asked: Repeatable, wait: bool) -> None:
    parts = (asked.workspace.id, asked.by.pk, asked.endpoint, asked.key)
    name = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    number = int.from_bytes(name[:8], "big", signed=True)
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
            return
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    if not row or not row[0]:
        raise KeyInUse("A request with this key is still being worked on.", "Wait a moment, then send it again.")
