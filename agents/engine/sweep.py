"""The sweep: every second, find from rows alone whatever a lost message, a dead worker or the clock has left undone.

It runs as a thread in every worker; an advisory lock lets one at a time through. Each part is harmless to repeat.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from agents.engine.claims import DUE, FREE, hand_back_lost
from agents.engine.control import HELD, honour_cancel, wake_for_action
from agents.engine.limits import apply_budget_decision
from agents.models import Run, Step
from agents.states import RUN_TERMINAL, StepKind, StepStatus
from approvals.models import Request
from approvals.operations import expire_due
from approvals.states import RequestKind, RequestStatus
from workspaces.database import ClockTimestamp

log = logging.getLogger(__name__)

LOCK = 7_246_001
BATCH = 500
NUDGE_AGAIN = timedelta(seconds=5)


def sweep(enqueue: Callable[[UUID], object]) -> bool:
    """Do one round and tell workers of runs that have work; return False where another process holds the sweep."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        try:
            _round(enqueue)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def _round(enqueue: Callable[[UUID], object]) -> None:
    moved: list[UUID] = list(hand_back_lost())
    expire_due()
    moved += [run for action in _waiting_for_nothing() if (run := wake_for_action(action)) is not None]
    moved += [run for run in _budget_decided() if apply_budget_decision(run)]
    for run in _to_cancel():
        honour_cancel(run)
    _send({*moved, *_due_runs()}, enqueue)


def _waiting_for_nothing() -> list[UUID]:
    """Return the actions that are no longer with people though their step still waits."""
    found = Step.objects.filter(status=StepStatus.WAITING, action__isnull=False).exclude(action__status__in=HELD)
    return [action for action in found.values_list("action_id", flat=True)[:BATCH] if action is not None]


def _budget_decided() -> list[UUID]:
    """Return the runs whose model step waits though no request about their budget is open."""
    asked = Request.objects.filter(kind=RequestKind.BUDGET, status=RequestStatus.OPEN).values("run_id")
    found = Step.objects.filter(status=StepStatus.WAITING, kind=StepKind.MODEL).exclude(run_id__in=asked)
    return list(found.values_list("run_id", flat=True)[:BATCH])


def _to_cancel() -> list[UUID]:
    found = Run.objects.filter(cancel_requested_at__isnull=False).exclude(status__in=RUN_TERMINAL)
    return list(found.values_list("id", flat=True)[:BATCH])


def _due_runs() -> list[UUID]:
    """Return the runs with a due step that nobody was told of lately, and note that they are told now."""
    with transaction.atomic():
        long_ago = Q(nudged_at=None) | Q(nudged_at__lt=ClockTimestamp() - NUDGE_AGAIN)
        due = (
            Step.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(DUE, FREE, long_ago, status=StepStatus.READY, run__cancel_requested_at=None)
            .values_list("id", "run_id")[:BATCH]
        )
        rows = list(due)
        Step.objects.filter(id__in=[step for step, _ in rows]).update(nudged_at=ClockTimestamp())
    return [run for _, run in rows]


def _send(runs: Iterable[UUID], enqueue: Callable[[UUID], object]) -> None:
    for run_id in runs:
        try:
            enqueue(run_id)
        except Exception as error:
            log.warning("The broker did not take a message: %s", error)
            return
