"""Claiming: one owner a step, by compare-and-set under the database's clock."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents.engine.formats import newest
from agents.engine.workers import heartbeat, incarnation, lives
from agents.models import Run, Step
from agents.states import RunStatus, StepStatus
from tools.states import ActionStatus
from workspaces.actors import System
from workspaces.database import ClockTimestamp
from workspaces.errors import StaleState
from workspaces.models import paused
from workspaces.transitions import transition

WORKER = System("worker")
SWEEP = System("sweep")

DUE = Q(wake_at=None) | Q(wake_at__lte=ClockTimestamp())
FREE = (Q(is_repair=False) & ~Q(paused())) | (Q(is_repair=True) & ~Q(paused(repair=True)))
"""No live pause covers the step; of a rollback run, none that holds repair up too."""
RESCUE = Q(action__status__in=[ActionStatus.EXECUTING, ActionStatus.IN_DOUBT])
"""A worker was lost over the step's action. Finding out what became of it is no new effect: no pause, no cancellation
keeps that waiting."""


def claim_step(run_id: UUID) -> Step | None:
    """Take the run's next step that is due and in no paused scope; None where there is none to take.

    A process that was taken for dead takes nothing until its heartbeat has given it a new incarnation, and none takes a
    run of a newer form than it knows.
    """
    try:
        return _claim(run_id, incarnation())
    except StaleState:
        return None if heartbeat() else _claim(run_id, incarnation())


def _claim(run_id: UUID, owner: UUID) -> Step | None:
    with transaction.atomic():
        rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("agent", "version__route")
        late = rows.annotate(is_late=Q(time_up_at__lte=ClockTimestamp()))
        run = late.defer("version__workflow").filter(pk=run_id, format__lte=newest()).first()
        if run is None or run.is_terminal:
            return None
        allowed = RESCUE if run.cancel_requested_at is not None else FREE | RESCUE
        step = (
            Step.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(DUE, allowed, run=run, status=StepStatus.READY)
            .order_by("number")
            .first()
        )
        if step is None:
            return None
        if run.status != RunStatus.RUNNING:
            transition(run, RunStatus.RUNNING, by=WORKER, **({} if run.started_at else _begun(run)))
        transition(
            step,
            StepStatus.RUNNING,
            by=WORKER,
            where=Q(lives(owner), attempt=step.attempt),
            body={"attempt": step.attempt + 1},
            attempt=step.attempt + 1,
            incarnation=owner,
            started_at=step.started_at or ClockTimestamp(),
        )
        step.run = run
    return step


def _begun(run: Run) -> dict[str, Any]:
    """Return what a run's row says from its first claim on."""
    begun: dict[str, Any] = {"started_at": ClockTimestamp()}
    if run.time_limit_seconds is not None:
        begun["time_up_at"] = ClockTimestamp() + timedelta(seconds=run.time_limit_seconds)
    return begun
