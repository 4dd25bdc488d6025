"""A run's time: how long it has been under way by the database's clock, without what it waited for people.

What people took is found in the rows: the times at which a request of the run, or of a run that it began, was open, and
those of pauses over it. So nothing is counted while the run goes on: its row says when its time is up at the earliest,
and only then is looked.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from agents.engine.control import wake
from agents.models import Run, Step
from agents.states import RunKind, RunStatus, StepKind, StepStatus
from approvals.models import Request
from approvals.states import RequestStatus
from workspaces.database import ClockTimestamp

SPENT: Final = """
WITH RECURSIVE family AS (
    SELECT id FROM agents_run WHERE id = %(run)s
    UNION ALL SELECT child.id FROM agents_run child JOIN family ON child.parent_id = family.id
), taken AS (
    SELECT opened_at AS since, closed_at AS until FROM approvals_request WHERE run_id IN (SELECT id FROM family)
    UNION ALL
    SELECT created_at, released_at FROM workspaces_pause
    WHERE scope_id = ANY((SELECT scopes FROM agents_run WHERE id = %(run)s)::uuid[])
), by_people AS (
    SELECT range_agg(tstzrange(since, greatest(since, coalesce(until, clock_timestamp())))) AS times FROM taken
)
SELECT clock_timestamp() - run.started_at - run.set_aside - coalesce((
    SELECT sum(upper(one) - lower(one)) FROM unnest(
        by_people.times * tstzmultirange(tstzrange(run.started_at, greatest(run.started_at, clock_timestamp())))
    ) one
), interval '0')
FROM agents_run run, by_people WHERE run.id = %(run)s
"""
BUDGET: Final = "budget"
"""What a step awaits that waits for people to extend a limit."""
EARLY: Final = "early"
"""What the input of a step says that was woken before what it waits for has happened."""
OURS: Final = frozenset({StepKind.WAIT, StepKind.EVENT, StepKind.CHILD})
"""Kinds of steps that wait for no person, and that are looked at when the time is up."""


def time_spent(run_id: UUID) -> timedelta:
    """Return how long a run that has begun has been under way, without what it waited for people."""
    with connection.cursor() as cursor:
        cursor.execute(SPENT, {"run": run_id})
        found: timedelta | None = cursor.fetchone()[0]
    return found or timedelta(0)


def over_time(run: Run) -> int | None:
    """Return the seconds that the run has taken, where its time is up; else None, and note when to look again."""
    if run.time_limit_seconds is None or not may_be_late(run):
        return None
    spent = time_spent(run.id)
    left = timedelta(seconds=run.time_limit_seconds) - spent
    if left <= timedelta(0):
        return int(spent.total_seconds())
    Run.objects.filter(pk=run.pk).update(time_up_at=ClockTimestamp() + left)
    return None


def may_be_late(run: Run) -> bool:
    """Say whether the run's time may be up; one that was claimed knows it by the database's clock of that moment."""
    return run.time_up_at is not None and bool(vars(run).get("is_late", True))


def time_left(run: Run) -> int | None:
    """Return how many seconds the run may still take, at least one; None where nothing limits it."""
    if run.time_limit_seconds is None:
        return None
    return max(1, run.time_limit_seconds - int(time_spent(run.id).total_seconds()))


def late_runs(limit: int) -> list[UUID]:
    """Return the runs whose time may have passed while they waited, and not for people."""
    asked = Request.objects.filter(run_id=OuterRef("pk"), status=RequestStatus.OPEN)
    late = Run.objects.filter(~Exists(asked), status=RunStatus.WAITING, time_up_at__lte=ClockTimestamp())
    return list(late.exclude(kind=RunKind.ROLLBACK).order_by("time_up_at").values_list("id", flat=True)[:limit])


def wake_late(run_id: UUID) -> None:
    """Wake what a run waits for whose time is up: each such step then asks people whether it may go on waiting."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.status != RunStatus.WAITING or over_time(run) is None:
            return
        steps = run.steps.select_for_update(of=("self",)).filter(status=StepStatus.WAITING)
        steps = steps.exclude(awaits__in=["", BUDGET])  # what people have decided is not passed over
        for step in steps.filter(kind__in=OURS).order_by("number"):
            Step.objects.filter(pk=step.pk).update(input={**step.input, EARLY: True})
            wake(step)
