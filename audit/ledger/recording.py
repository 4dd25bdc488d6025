"""The only way into the ledger: ``record()``, inside the transaction that makes the change it tells of."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from audit.ledger import canonical
from audit.ledger.contents import new_event_digest
from audit.ledger.errors import UnusableEvent
from audit.ledger.models import ACTOR_PATTERN, VERB_PATTERN, Event, new_id

MAX_BODY_BYTES = 16_384
MAX_SUBJECT_CHARACTERS = 200

# One statement, whatever the number of events; the epoch is asked for once and not once a row.
APPEND = """
INSERT INTO ledger_event (
    id, workspace_id, epoch, txid, sequence, at, actor, verb, subject_type, subject_id, body, digest
)
SELECT new.id, new.workspace_id, (SELECT ledger_current_epoch()), pg_current_xact_id()::text::bigint,
    nextval('ledger_event_sequence'), new.at, new.actor, new.verb, new.subject_type, new.subject_id,
    new.body::jsonb, new.digest
FROM unnest(
    %s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]
) WITH ORDINALITY AS new(id, workspace_id, at, actor, verb, subject_type, subject_id, body, digest, place)
ORDER BY new.place
RETURNING id, epoch, txid, sequence
"""

# The event of a change that one UPDATE makes: written by the same statement, if that UPDATE moves a row.
FOLLOW = """
WITH moved AS ({move}), told AS (
    INSERT INTO ledger_event (
        id, workspace_id, epoch, txid, sequence, at, actor, verb, subject_type, subject_id, body, digest
    )
    SELECT %s::uuid, %s::uuid, (SELECT ledger_current_epoch()), pg_current_xact_id()::text::bigint,
        nextval('ledger_event_sequence'), %s::timestamptz, %s, %s, %s, %s, %s::jsonb, %s
    FROM moved
)
SELECT * FROM moved
"""

_ACTOR = re.compile(ACTOR_PATTERN)
_VERB = re.compile(VERB_PATTERN)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What ``record_many`` writes one event from; the fields are those of ``record``."""

    workspace_id: UUID
    actor: str
    verb: str
    subject: tuple[str, UUID | str]
    body: dict[str, Any] | None = None
    at: datetime | None = None


def record(
    *,
    workspace_id: UUID,
    actor: str,
    verb: str,
    subject: tuple[str, UUID | str],
    body: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Event:
    """Append one event and return it.

    ``actor`` is ``user:<uuid>``, ``service:<uuid>``, ``run:<uuid>`` or ``system:<name>``; ``verb`` is dotted, such as
    ``action.approved``; ``subject`` is the type and id of the object. Raise ``RuntimeError`` outside a transaction and
    ``UnusableEvent`` for what could not be verified later.
    """
    entry = Entry(workspace_id=workspace_id, actor=actor, verb=verb, subject=subject, body=body, at=at)
    return record_many([entry])[0]


def record_many(entries: Iterable[Entry]) -> list[Event]:
    """Append events in the order given, with one INSERT, and return them; errors are those of ``record``."""
    _check_is_open()
    events = [_event(entry) for entry in entries]
    if events:
        _append(events)
    return events


def _check_is_open() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(
            "An event is recorded in the transaction that makes the change, so that neither exists without the other. "
            "Call record() inside transaction.atomic()."
        )


def _append(events: list[Event]) -> None:
    """Write the events and give them their places."""
    columns: list[Any] = [
        [event.id for event in events],
        [event.workspace_id for event in events],
        [event.at for event in events],
        [event.actor for event in events],
        [event.verb for event in events],
        [event.subject_type for event in events],
        [event.subject_id for event in events],
        [json.dumps(event.body) for event in events],
        [event.digest for event in events],
    ]
    with connection.cursor() as cursor:
        cursor.execute(APPEND, columns)
        places = {row[0]: row[1:] for row in cursor.fetchall()}
    for event in events:
        event.epoch, event.txid, event.sequence = places[event.id]
        event._state.adding, event._state.db = False, connection.alias


def record_move(entry: Entry, *, move: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run ``move``, an UPDATE of at most one row that returns columns, and append the event if it moves that row.

    Both are one statement. Return what it returned, or None where nothing moved and nothing was recorded; errors are
    those of ``record``.
    """
    _check_is_open()
    event = _event(entry)
    told: list[Any] = [
        event.id,
        event.workspace_id,
        event.at,
        event.actor,
        event.verb,
        event.subject_type,
        event.subject_id,
    ]
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW.format(move=move), [*parameters, *told, json.dumps(event.body), event.digest])
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def salted_digest(value: str, salt: bytes) -> str:
    """Return HMAC-SHA-256 of ``value`` under ``salt``: personal data goes into a body only so, and the salt elsewhere.

    Whoever holds the salt can show that an event is about a value; erasing the salt erases the person from the ledger
    without breaking a seal. ``salt`` has at least 16 bytes, else guessing would find short values.
    """
    if len(salt) < 16:
        raise ValueError("A salt for the ledger has at least 16 random bytes; make one with secrets.token_bytes(16).")
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()


def _event(entry: Entry) -> Event:
    subject_type, subject_id = entry.subject
    event = Event(
        id=new_id(),
        workspace_id=entry.workspace_id,
        at=entry.at or datetime.now(UTC),
        actor=canonical.plain(entry.actor),
        verb=canonical.plain(entry.verb),
        subject_type=canonical.plain(subject_type),
        subject_id=canonical.plain(subject_id),
        body=canonical.plain(entry.body or {}),
    )
    _check(event)
    event.digest = new_event_digest(event)
    return event


def _check(event: Event) -> None:
    if not _ACTOR.fullmatch(event.actor):
        raise UnusableEvent(f"The actor {event.actor!r} is not user:, service: or run: with a UUID, nor system:<name>.")
    if not _VERB.fullmatch(event.verb):
        raise UnusableEvent(f"The verb {event.verb!r} is not dotted lower case such as action.approved.")
    for name in (event.subject_type, event.subject_id):
        if not 0 < len(name) <= MAX_SUBJECT_CHARACTERS:
            raise UnusableEvent(f"A subject's type and id have 1 to {MAX_SUBJECT_CHARACTERS} characters each.")
    if event.at.tzinfo is None:
        raise UnusableEvent("An event's time is aware; pass a datetime with a time zone.")
    size = len(canonical.canonical_of_plain(event.body))
    if size > MAX_BODY_BYTES:
        raise UnusableEvent(
            f"The event's body has {size} bytes; at most {MAX_BODY_BYTES} go into the ledger. "
            "Record a digest of the rest."
        )
