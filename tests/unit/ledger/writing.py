"""Writes and seals events for tests, and tampers with them as someone who rules the database could."""

import time
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.ledger import sealing
from audit.ledger.models import Event, Seal
from audit.ledger.recording import record


def write(workspace_id: UUID, count: int = 1, **changes: Any) -> list[Event]:
    """Record events, each in a transaction of its own."""
    values: dict[str, Any] = {
        "actor": "system:test",
        "verb": "thing.changed",
        "subject": ("thing", "1"),
        "body": {"n": 1},
    }
    events = []
    for _ in range(count):
        with transaction.atomic():
            events.append(record(workspace_id=workspace_id, **(values | changes)))
    return events


def seal_now(workspace_id: UUID) -> Seal:
    """Seal, and try again while another database's transaction that just ended holds the horizon back."""
    deadline = time.monotonic() + 60
    while (made := sealing.seal(workspace_id)) is None:
        assert time.monotonic() < deadline, "Nothing could be sealed within a minute."
    return made


def tamper(sql: str, parameters: list[Any] | None = None) -> None:
    """Run ``sql`` with triggers off and expect it to change something."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, parameters)
        assert cursor.rowcount != 0
