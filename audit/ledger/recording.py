"""The only way into the ledger: ``record()``, inside the transaction that makes the change it tells of."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from audit.ledger import canonical
from audit.ledger.contents import covered
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


@dataclass(slots=True)
class Line:
    """An event as it was written: the columns of ``APPEND``, its body, and its place (epoch, txid, sequence)."""

    columns: tuple[Any, ...]
    body: dict[str, Any]
    place: tuple[int, int, int] = (0, 0, 0)

    def event(self) -> Event:
        """Return it as the row that it is."""
        names = ("id", "workspace_id", "at", "actor", "verb", "subject_type", "subject_id")
        epoch, txid, sequence = self.place
        known = dict(zip(names, self.columns, strict=False))
        found = Event(**known, body=self.body, digest=self.columns[-1], epoch=epoch, txid=txid, sequence=sequence)
        found._state.adding, found._state.db = False, connection.alias
        return found


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
    [line] = record_many([entry])
    return line.event()


def record_many(entries: Iterable[Entry]) -> list[Line]:
    """Append events in the order given, with one INSERT, and return what was written; errors are those of ``record``.

    Those without a time of their own share the moment of the call.
    """
    _check_is_open()
    now = datetime.now(UTC)
    as_text = canonical.instant(now)
    lines = [_line(entry, now, as_text) for entry in entries]
    if lines:
        _append(lines)
    return lines


def _check_is_open() -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(
            "An event is recorded in the transaction that makes the change, so that neither exists without the other. "
            "Call record() inside transaction.atomic()."
        )


def _append(lines: list[Line]) -> None:
    """Write the events and give them their places."""
    columns = [array(column) for column in zip(*(line.columns for line in lines), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(APPEND, columns)
        places = {row[0]: row[1:] for row in cursor.fetchall()}
    for line in lines:
        line.place = places[line.columns[0]]


def array(column: Sequence[Any]) -> list[Any] | str:
    """Return a column as it is sent: ids and whole numbers as PostgreSQL's text, which the driver is slow to make."""
    if column and all(isinstance(value, UUID | int) for value in column):
        return f"{{{','.join(map(str, column))}}}"
    return list(column)


def record_move(entry: Entry, *, move: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """Run ``move``, an UPDATE of at most one row that returns columns, and append the event if it moves that row.

    Both are one statement. Return what it returned, or None where nothing moved and nothing was recorded; errors are
    those of ``record``.
    """
    _check_is_open()
    now = datetime.now(UTC)
    line = _line(entry, now, canonical.instant(now))
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW.format(move=move), [*parameters, *line.columns])
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


def _line(entry: Entry, now: datetime, as_text: str) -> Line:
    at, actor, verb = entry.at or now, canonical.plain(entry.actor), canonical.plain(entry.verb)
    subject = (canonical.plain(entry.subject[0]), canonical.plain(entry.subject[1]))
    _check(actor, verb, subject, at)
    event_id, body = new_id(), canonical.plain(entry.body or {})
    text = canonical.canonical_of_plain(body)
    if len(text) > MAX_BODY_BYTES:
        raise UnusableEvent(
            f"The event's body has {len(text)} bytes; at most {MAX_BODY_BYTES} go into the ledger. "
            "Record a digest of the rest."
        )
    moment = as_text if at is now else canonical.instant(at)
    content = covered(event_id, entry.workspace_id, moment, actor, verb, subject, body)
    digest = hashlib.sha256(canonical.canonical_of_plain(content)).hexdigest()
    return Line((event_id, entry.workspace_id, at, actor, verb, *subject, text.decode(), digest), body)


def _check(actor: str, verb: str, subject: tuple[str, str], at: datetime) -> None:
    if not _ACTOR.fullmatch(actor):
        raise UnusableEvent(f"The actor {actor!r} is not user:, service: or run: with a UUID, nor system:<name>.")
    if not _VERB.fullmatch(verb):
        raise UnusableEvent(f"The verb {verb!r} is not dotted lower case such as action.approved.")
    for name in subject:
        if not 0 < len(name) <= MAX_SUBJECT_CHARACTERS:
            raise UnusableEvent(f"A subject's type and id have 1 to {MAX_SUBJECT_CHARACTERS} characters each.")
    if at.tzinfo is None:
        raise UnusableEvent("An event's time is aware; pass a datetime with a time zone.")
