"""Which deliveries a worker sends now: due ones, a few an endpoint, each under a lease.

A worker that dies loses its lease, and another one sends the same event again under the same ``webhook-id``.
"""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from audit.ledger.models import Event
from audit.models import Delivery

LOCK = 7_246_002
AT_ONCE = 4
"""Deliveries that may be under way to one endpoint; to one that fails it is a single one."""
MARGIN_SECONDS = 20
"""How long a lease outlives the time that a delivery may take."""

# One claim at a time, so that two workers together keep to AT_ONCE. Endpoints that fail come last; of the others first
# whoever has least under way, so that a few slow ones, of another workspace perhaps, do not take every thread.
CLAIM = """
WITH due AS (
    SELECT waiting.id FROM audit_webhookendpoint endpoint
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries FROM audit_delivery
        WHERE endpoint_id = endpoint.id AND status = 'pending' AND leased_until > clock_timestamp()
    ) under_way
    CROSS JOIN LATERAL (
        SELECT id, next_at FROM audit_delivery
        WHERE endpoint_id = endpoint.id AND status = 'pending' AND next_at <= statement_timestamp()
            AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        ORDER BY next_at, id
        LIMIT greatest(
            0, CASE WHEN endpoint.failing_since IS NULL THEN %(at_once)s ELSE 1 END - under_way.deliveries
        )
        FOR UPDATE SKIP LOCKED
    ) waiting
    WHERE endpoint.is_enabled
    ORDER BY endpoint.failing_since NULLS FIRST, under_way.deliveries, waiting.next_at
    LIMIT %(room)s
)
UPDATE audit_delivery SET attempt = attempt + 1, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM due WHERE audit_delivery.id = due.id
RETURNING audit_delivery.id
"""


@dataclass(frozen=True)
class Claim:
    """A delivery that this worker sends, as attempt ``delivery.attempt``, and the event that it tells of."""

    delivery: Delivery
    event: Event


def claim_due(room: int) -> list[Claim]:
    """Claim at most ``room`` due deliveries; none while another worker is claiming."""
    ids = _claimed(room) if room > 0 else []
    if not ids:
        return []
    rows = list(Delivery.objects.filter(pk__in=ids).select_related("endpoint"))
    events = Event.objects.in_bulk([row.event_id for row in rows])
    return [Claim(row, events[row.event_id]) for row in rows if row.event_id in events]


def _claimed(room: int) -> list[UUID]:
    lease = settings.WEBHOOK_SECONDS + MARGIN_SECONDS
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(CLAIM, {"at_once": AT_ONCE, "room": room, "lease": lease})
        return [row[0] for row in cursor.fetchall()]
