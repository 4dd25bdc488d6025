"""Answers that were kept for repeats of a POST: they are needed for a while, and hold what was answered, so they go."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from workspaces.database import ClockTimestamp
from workspaces.models import IdempotencyRecord

BATCH = 1000


def forget_answers() -> int:
    """Delete the oldest answers beyond ``IDEMPOTENCY_DAYS``, at most 1000 at once; return how many.

    A repeat that comes later still is a new request. Nothing is recorded: the change itself has its own event.
    """
    beyond = ClockTimestamp() - timedelta(days=settings.IDEMPOTENCY_DAYS)
    with transaction.atomic():
        old = IdempotencyRecord.objects.select_for_update(skip_locked=True).filter(created_at__lt=beyond)
        ids = list(old.order_by("id").values_list("id", flat=True)[:BATCH])
        IdempotencyRecord.objects.filter(id__in=ids).delete()
    return len(ids)
