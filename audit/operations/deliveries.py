"""Deliveries that people ask for: a test, one again, or everything that did not arrive since a time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from audit.ledger.recording import record
from audit.models import Delivery, WebhookEndpoint
from audit.operations.endpoints import WHAT, locked_endpoint, tell
from audit.states import DeliveryCause, DeliveryStatus
from workspaces.actors import Actor, actor_text
from workspaces.errors import InvalidInput, StaleState
from workspaces.operations.authority import note, require_owner

MAX_AT_ONCE = 1000
PINGED = "webhook_endpoint.pinged"

FIRST_SINCE = """
WITH recent AS MATERIALIZED (
    SELECT epoch, txid, sequence FROM ledger_event WHERE id >= %s AND workspace_id = %s
)
SELECT epoch, txid, sequence - 1 FROM recent ORDER BY epoch, txid, sequence LIMIT 1
"""


def ping(*, endpoint: WebhookEndpoint, by: Actor) -> Delivery:
    """Send an event of its own to an endpoint, whatever verbs it wants, and return its delivery."""
    require_owner(by, endpoint.workspace, WHAT)
    with transaction.atomic():
        locked = _enabled(endpoint)
        event = record(
            workspace_id=locked.workspace_id,
            actor=actor_text(by),
            verb=PINGED,
            subject=("webhook_endpoint", locked.pk),
        )
        return Delivery.objects.create(
            workspace_id=locked.workspace_id,
            endpoint=locked,
            event_id=event.id,
            verb=PINGED,
            cause=DeliveryCause.PING,
        )


def redeliver(*, delivery: Delivery, by: Actor) -> Delivery:
    """Send an event again under the same ``webhook-id``; raise ``StaleState`` while it is still being tried."""
    require_owner(by, delivery.workspace, WHAT)
    try:
        with transaction.atomic():
            endpoint = _enabled(delivery.endpoint)
            made = _again(endpoint, delivery.event_id, delivery.verb)
            made.save(force_insert=True)
            note(made.workspace_id, by, "delivery.requested", ("delivery", made.pk), event=made.event_id)
    except IntegrityError as error:
        raise StaleState("This event is still on its way to that endpoint.", "Wait for its outcome.") from error
    return made


def redeliver_since(*, endpoint: WebhookEndpoint, since: datetime, by: Actor) -> int:
    """Send again what failed since ``since``, at most ``MAX_AT_ONCE``, and return how many those are.

    Events since then that were never written down for this endpoint, because it was disabled or not there yet, follow
    by the sweep: its cursor is set back, and what has a delivery gets no second one.
    """
    require_owner(by, endpoint.workspace, WHAT)
    oldest = datetime.now(UTC) - timedelta(days=settings.WEBHOOK_DAYS)
    if not oldest <= since <= datetime.now(UTC):
        sentence = f"Give a time within the last {settings.WEBHOOK_DAYS} days."
        raise InvalidInput("Deliveries are not kept that long.", sentence, {"since": [sentence]})
    with transaction.atomic():
        locked = _enabled(endpoint)
        again = [_again(locked, event_id, verb) for event_id, verb in _undelivered(locked, since)]
        Delivery.objects.bulk_create(again)
        _set_back(locked, since)
        tell(locked, "redelivered", by, since=since.isoformat(), deliveries=len(again))
    return len(again)


def _enabled(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    locked = locked_endpoint(endpoint)
    if not locked.is_enabled:
        raise StaleState("This webhook is disabled.", "Enable it first; nothing is sent to it until then.")
    return locked


def _again(endpoint: WebhookEndpoint, event_id: UUID, verb: str) -> Delivery:
    return Delivery(
        workspace_id=endpoint.workspace_id,
        endpoint=endpoint,
        event_id=event_id,
        verb=verb,
        cause=DeliveryCause.REDELIVERY,
    )


def _undelivered(endpoint: WebhookEndpoint, since: datetime) -> list[tuple[UUID, str]]:
    mine = Delivery.objects.filter(endpoint=endpoint)
    arrived = mine.filter(event_id=OuterRef("event_id")).exclude(status=DeliveryStatus.FAILED)
    failed = mine.filter(~Exists(arrived), status=DeliveryStatus.FAILED, created_at__gte=since)
    return list(failed.order_by("event_id").distinct("event_id").values_list("event_id", "verb")[:MAX_AT_ONCE])


def _set_back(endpoint: WebhookEndpoint, since: datetime) -> None:
    """Place the cursor before the first event since then; an event's key is a UUIDv7, which begins with its time."""
    first = UUID(int=int(since.timestamp() * 1000) << 80)
    with connection.cursor() as cursor:
        cursor.execute(FIRST_SINCE, [first, endpoint.workspace_id])
        found = cursor.fetchone()
    present = (endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence)
    if found is not None and found < present:
        endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence = found
        endpoint.save(update_fields=["cursor_epoch", "cursor_txid", "cursor_sequence"])
