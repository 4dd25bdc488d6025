"""Seals the events that are final: a signed Merkle root over the next stretch of each workspace's ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.ledger import merkle, witness
from audit.ledger.contents import NO_PREVIOUS, leaf, seal_bytes, seal_digest
from audit.ledger.horizon import Horizon, horizon
from audit.ledger.models import Seal
from audit.ledger.signing import Signer, signer

MAX_EVENTS_A_SEAL = 10_000

NEXT_EVENTS = """
SELECT epoch, txid, sequence, digest FROM ledger_event
WHERE workspace_id = %s AND (epoch, txid, sequence) > (%s, %s, %s) AND (epoch < %s OR (epoch = %s AND txid < %s))
ORDER BY epoch, txid, sequence LIMIT %s
"""

# Walks the index from workspace to workspace instead of reading every event.
UNSEALED = """
WITH RECURSIVE workspace(id) AS (
    (SELECT workspace_id FROM ledger_event ORDER BY workspace_id LIMIT 1)
    UNION ALL
    SELECT (SELECT workspace_id FROM ledger_event WHERE workspace_id > workspace.id ORDER BY workspace_id LIMIT 1)
    FROM workspace WHERE workspace.id IS NOT NULL
)
SELECT workspace.id, unsealed.events, unsealed.oldest FROM workspace
LEFT JOIN LATERAL (
    SELECT epoch, last_txid, last_sequence FROM ledger_seal
    WHERE workspace_id = workspace.id ORDER BY number DESC LIMIT 1
) last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS events, min(at) AS oldest FROM ledger_event
    WHERE workspace_id = workspace.id AND (epoch, txid, sequence)
        > (coalesce(last.epoch, 0), coalesce(last.last_txid, 0), coalesce(last.last_sequence, 0))
) unsealed
WHERE unsealed.events > 0
"""

Row = tuple[int, int, int, str]


@dataclass(frozen=True)
class Lag:
    """What is not sealed yet, over all workspaces: how many events, the oldest one's time, and seals not witnessed."""

    events: int
    oldest_at: datetime | None
    unwitnessed: int


def seal(workspace_id: UUID) -> Seal | None:
    """Seal the workspace's next final events, at most ``MAX_EVENTS_A_SEAL``, and offer the seal to the witness.

    Return None where nothing is final. Opens its own transaction; raise ``SigningKeyMissing`` and ``EpochNeeded``.
    """
    made = _seal(workspace_id, signer())
    if made is not None:
        witness.offer()
    return made


def seal_all() -> int:
    """Seal everything that is final in every workspace and return the number of seals made; errors as ``seal``."""
    key = signer()
    made = 0
    for workspace_id, _, _ in _unsealed():
        while _seal(workspace_id, key) is not None:
            made += 1
    witness.offer()
    return made


def lag() -> Lag:
    """Return how far sealing and the witness are behind; an alarm compares ``oldest_at`` with the clock."""
    rows = _unsealed()
    oldest = min((at for _, _, at in rows), default=None)
    return Lag(sum(events for _, events, _ in rows), oldest, witness.lag())


def _seal(workspace_id: UUID, key: Signer) -> Seal | None:
    with transaction.atomic(durable=True):
        _lock(workspace_id)
        final = horizon(workspace_id)
        last = Seal.objects.filter(workspace_id=workspace_id).order_by("-number").first()
        rows = _next_events(workspace_id, last, final)
        return _sealed(workspace_id, last, rows, key) if rows else None


def _lock(workspace_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ledger.seal:{workspace_id}"])


def _next_events(workspace_id: UUID, last: Seal | None, final: Horizon) -> list[Row]:
    """Return the events after ``last`` and below the horizon, of one epoch only."""
    after = (last.epoch, last.last_txid, last.last_sequence) if last else (0, 0, 0)
    below = (final.epoch, final.epoch, final.txid)
    with connection.cursor() as cursor:
        cursor.execute(NEXT_EVENTS, [workspace_id, *after, *below, MAX_EVENTS_A_SEAL])
        rows: list[Row] = cursor.fetchall()
    return [row for row in rows if row[0] == rows[0][0]]


def _sealed(workspace_id: UUID, last: Seal | None, rows: list[Row], key: Signer) -> Seal:
    new = Seal(
        workspace_id=workspace_id,
        number=last.number + 1 if last else 1,
        epoch=rows[0][0],
        first_txid=rows[0][1],
        first_sequence=rows[0][2],
        last_txid=rows[-1][1],
        last_sequence=rows[-1][2],
        event_count=len(rows),
        merkle_root=merkle.root(leaf(row[:3], row[3]) for row in rows),
        previous=last.digest if last else NO_PREVIOUS,
        at=datetime.now(UTC),
        key_id=key.key_id,
    )
    new.digest = seal_digest(new)
    new.signature = key.sign(seal_bytes(new))
    new.save(force_insert=True)
    return new


def _unsealed() -> list[tuple[UUID, int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(UNSEALED)
        rows: list[Any] = cursor.fetchall()
    return rows
