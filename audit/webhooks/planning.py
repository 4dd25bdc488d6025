"""Writes deliveries from the ledger's events: each event once for each endpoint that wants it.

Every endpoint has a cursor, a place in the ledger. Only events below the horizon of sealing are read, where nothing can
appear any more, so that a transaction that commits late is not skipped; the cursor and the deliveries move in one
transaction, so that nothing is doubled. A lost message, broker or worker costs a second.
"""

import logging
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.ledger.errors import LedgerError
from audit.ledger.horizon import horizon
from audit.models import Delivery, WebhookEndpoint
from audit.operations.deliveries import PINGED

log = logging.getLogger(__name__)

EVENTS_A_ROUND = 500

BEHIND = """
SELECT DISTINCT endpoint.workspace_id FROM audit_webhookendpoint endpoint
WHERE endpoint.is_enabled AND EXISTS (
    SELECT FROM ledger_event event WHERE event.workspace_id = endpoint.workspace_id
    AND (event.epoch, event.txid, event.sequence)
        > (endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence)
)
"""

# What is told of deliveries themselves is never delivered, which would go on without end. A ping has its delivery.
NEXT_EVENTS = """
SELECT endpoint.id, event.epoch, event.txid, event.sequence, event.id, event.verb,
    event.verb NOT LIKE 'delivery.%%' AND event.verb <> %s AND (
        cardinality(endpoint.verbs) = 0 OR event.verb = ANY(endpoint.verbs)
        OR split_part(event.verb, '.', 1) || '.*' = ANY(endpoint.verbs)
    )
FROM audit_webhookendpoint endpoint
CROSS JOIN LATERAL (
    SELECT epoch, txid, sequence, id, verb FROM ledger_event
    WHERE workspace_id = %s
        AND (epoch, txid, sequence) > (endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence)
        AND (epoch < %s OR (epoch = %s AND txid < %s))
    ORDER BY epoch, txid, sequence LIMIT %s
) event
WHERE endpoint.id = ANY(%s)
ORDER BY endpoint.id, event.epoch, event.txid, event.sequence
"""


def plan_deliveries() -> int:
    """Write the deliveries of final events, at most ``EVENTS_A_ROUND`` an endpoint, and return how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(BEHIND)
        behind: list[UUID] = [workspace_id for (workspace_id,) in cursor.fetchall()]
    return sum(_plan(workspace_id) for workspace_id in behind)


def _plan(workspace_id: UUID) -> int:
    """Carry the cursors of one workspace on; rows that somebody else works on are left to the next round."""
    try:
        with transaction.atomic():
            rows = WebhookEndpoint.objects.select_for_update(skip_locked=True, no_key=True)
            endpoints = {row.pk: row for row in rows.filter(workspace_id=workspace_id, is_enabled=True)}
            return _written(workspace_id, endpoints) if endpoints else 0
    except LedgerError as error:
        log.warning("Webhooks of workspace %s wait: %s", workspace_id, error)
        return 0


def _written(workspace_id: UUID, endpoints: dict[UUID, WebhookEndpoint]) -> int:
    made, moved = [], {}
    for endpoint_id, epoch, txid, sequence, event_id, verb, is_wanted in _next_events(workspace_id, list(endpoints)):
        endpoint = moved[endpoint_id] = endpoints[endpoint_id]
        endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence = epoch, txid, sequence
        if is_wanted:
            made.append(Delivery(workspace_id=workspace_id, endpoint=endpoint, event_id=event_id, verb=verb))
    Delivery.objects.bulk_create(made, ignore_conflicts=True)  # what a cursor that was set back comes across again
    WebhookEndpoint.objects.bulk_update(moved.values(), ["cursor_epoch", "cursor_txid", "cursor_sequence"])
    return len(made)


def _next_events(workspace_id: UUID, endpoints: list[UUID]) -> list[Any]:
    final = horizon(workspace_id)
    below = [final.epoch, final.epoch, final.txid]
    with connection.cursor() as cursor:
        cursor.execute(NEXT_EVENTS, [PINGED, workspace_id, *below, EVENTS_A_ROUND, endpoints])
        rows: list[Any] = cursor.fetchall()
    return rows
