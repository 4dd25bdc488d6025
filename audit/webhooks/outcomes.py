"""What a try leaves in the rows: delivered, tried again later, given up; and an endpoint that wants or takes nothing.

The endpoint's row is locked first, so that deleting it and judging its deliveries happen one after the other.
"""

import random
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet, Value

from audit.models import Delivery, WebhookEndpoint
from audit.operations.endpoints import disable
from audit.states import DeliveryStatus
from audit.webhooks.claims import Claim
from audit.webhooks.sending import Answer
from workspaces.actors import System
from workspaces.database import ClockTimestamp
from workspaces.errors import StaleState
from workspaces.transitions import transition

COURIER: Final = System("webhooks")
WAITS: Final = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
"""Seconds between one try and the next: the first try and seven more, over a little more than a day."""
JITTER: Final = 0.2
LONGEST_WAIT: Final = 24 * 3600
DISABLED_AFTER: Final = timedelta(days=5)


def conclude(claim: Claim, answer: Answer) -> None:
    """Record what came of a try; nothing is changed where another worker has taken the delivery over meanwhile."""
    delivery = claim.delivery
    try:
        with transaction.atomic():
            rows = WebhookEndpoint.objects.select_for_update(no_key=True)
            endpoint = rows.filter(pk=delivery.endpoint_id).first()
            if endpoint is None:
                return
            if answer.problem:
                _failed(delivery, endpoint, answer)
            else:
                _end(delivery, DeliveryStatus.DELIVERED, answer)
                WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False).update(failing_since=None)
    except StaleState:
        return


def wait_before(failures: int, answer: Answer) -> float | None:
    """Return the seconds until the try after ``failures`` failed ones, None where there is none.

    Spread by ``JITTER``, so that many deliveries do not come back at one moment; a longer ``Retry-After`` is honoured
    up to ``LONGEST_WAIT``.
    """
    if failures > len(WAITS):
        return None
    planned = WAITS[failures - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
    return max(planned, min(answer.retry_after, LONGEST_WAIT))


def _failed(delivery: Delivery, endpoint: WebhookEndpoint, answer: Answer) -> None:
    seconds = None if answer.is_gone else wait_before(delivery.failures + 1, answer)
    if seconds is None:
        _end(delivery, DeliveryStatus.FAILED, answer, failures=delivery.failures + 1)
    else:
        _later(delivery, answer, seconds)
    if answer.is_gone:
        disable(endpoint=endpoint, reason="The endpoint answered 410: it wants nothing more.", by=COURIER)
        return
    _mark_failing(endpoint)


def _end(delivery: Delivery, status: DeliveryStatus, answer: Answer, **changes: int) -> None:
    transition(
        delivery,
        status,
        by=COURIER,
        where=Q(attempt=delivery.attempt),
        body={"endpoint": str(delivery.endpoint_id), "event": str(delivery.event_id), "answer": answer.status},
        last_status=answer.status,
        last_problem=answer.problem,
        leased_until=None,
        finished_at=ClockTimestamp(),
        **changes,
    )


def _later(delivery: Delivery, answer: Answer, seconds: float) -> None:
    mine: QuerySet[Delivery] = Delivery.objects.filter(
        pk=delivery.pk, status=DeliveryStatus.PENDING, attempt=delivery.attempt
    )
    done = mine.update(
        failures=delivery.failures + 1,
        next_at=ClockTimestamp() + Value(timedelta(seconds=seconds)),
        leased_until=None,
        last_status=answer.status,
        last_problem=answer.problem,
    )
    if not done:
        raise StaleState("Another worker has taken this delivery over.")


def _mark_failing(endpoint: WebhookEndpoint) -> None:
    """Note since when nothing arrives; disable the endpoint where that has been so for ``DISABLED_AFTER``."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    rows.filter(failing_since=None).update(failing_since=ClockTimestamp())
    if rows.filter(failing_since__lt=ClockTimestamp() - Value(DISABLED_AFTER)).exists():
        reason = f"Nothing has arrived for {DISABLED_AFTER.days} days."
        disable(endpoint=endpoint, reason=reason, by=COURIER)
