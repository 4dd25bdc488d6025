"""The worker's part: writes deliveries down, claims those that are due, and sends them from threads of its own.

A round never waits for an endpoint: what hangs holds one thread until its time is up, and a few an endpoint at most.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Value

from audit.models import Delivery
from audit.states import DeliveryStatus
from audit.webhooks.claims import Claim, claim_due
from audit.webhooks.outcomes import conclude
from audit.webhooks.planning import plan_deliveries
from audit.webhooks.sending import Answer, send
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

FORGET_AT_ONCE = 5000


class Courier:
    """The threads by which one process sends; ``stop`` lets what is under way end, and begins nothing more."""

    def __init__(self) -> None:
        self._threads = max(settings.WEBHOOK_CONCURRENCY, 1)
        self._pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="webhook")
        self._lock = threading.Lock()
        self._busy = 0

    def round(self) -> int:
        """Write down what is new, begin to send what is due, and return how many that is."""
        plan_deliveries()
        with self._lock:
            room = self._threads - self._busy
        claims = claim_due(room)
        for claim in claims:
            with self._lock:
                self._busy += 1
            self._pool.submit(self._carry, claim)
        return len(claims)

    def _carry(self, claim: Claim) -> None:
        try:
            deliver(claim)
        except Exception:  # nobody asks the pool for its answers: what is not logged here is never heard of
            log.exception("Delivery %s was not concluded; its lease will run out", claim.delivery.pk)
        finally:
            connection.close()
            with self._lock:
                self._busy -= 1

    def stop(self, *, wait: bool = False) -> None:
        """Begin nothing more; with ``wait`` also see what is under way through."""
        self._pool.shutdown(wait=wait)


def deliver(claim: Claim) -> Answer:
    """Send a claimed delivery and record what came of it; a defect of ours counts as a failed try and is logged."""
    try:
        answer = send(claim)
    except Exception:
        log.exception("Delivery %s could not be sent", claim.delivery.pk)
        answer = Answer(problem="Countersign could not send it; its operators find the reason in the worker's log.")
    reached(Failpoint.WEBHOOK_SENT)
    conclude(claim, answer)
    return answer


def forget_deliveries() -> int:
    """Delete what ended more than ``WEBHOOK_DAYS`` and a day ago, and return how many rows that were."""
    long_ago = ClockTimestamp() - Value(timedelta(days=settings.WEBHOOK_DAYS + 1))
    over = Delivery.objects.exclude(status=DeliveryStatus.PENDING).filter(finished_at__lt=long_ago)
    count, _ = Delivery.objects.filter(pk__in=over.values("pk")[:FORGET_AT_ONCE]).delete()
    return count
