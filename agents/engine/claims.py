"""Claiming: one owner a step, by compare-and-set under the database's clock."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents.engine.workers import dead
from agents.models import Run, Step
from agents.states import RunStatus, StepStatus
from workspaces.actors import System
from workspaces.database import ClockTimestamp
from workspaces.models import paused
from workspaces.transitions import transition

WORKER = System("worker")
SWEEP = System("sweep")

DUE = Q(wake_at=None) | Q(wake_at__lte=ClockTimestamp())
FREE = (Q(is_repair=False) & ~Q(paused())) | (Q(is_repair=True) & ~Q(paused(repair=True)))
"""No live pause covers the step; of a rollback run, none that holds repair up too."""


def claim_step(run_id: UUID, incarnation: UUID) -> Step | None:
    """Take the run's next step that is due and in no paused scope; None where there is none to take."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.is_terminal or run.cancel_requested_at is not None:
            return None
        step = (
            Step.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(DUE, FREE, run=run, status=StepStatus.READY)
            .order_by("number")
            .first()
        )
        if step is None:
            return None
        if run.status != RunStatus.RUNNING:
            begun: dict[str, Any] = {} if run.started_at else {"started_at": ClockTimestamp()}
            transition(run, RunStatus.RUNNING, by=WORKER, **begun)
        transition(
            step,
            StepStatus.RUNNING,
            by=WORKER,
            where=Q(attempt=step.attempt),
            body={"attempt": step.attempt + 1},
            attempt=step.attempt + 1,
            incarnation=incarnation,
            started_at=step.started_at or ClockTimestamp(),
        )
        step.run = run
    return step


def hand_back_lost(limit: int = 100) -> list[UUID]:
    """Hand back the steps whose owners are proven dead; return the runs that have work again."""
    runs: list[UUID] = []
    lost = Step.objects.filter(dead(), status=StepStatus.RUNNING).values_list("id", flat=True)[:limit]
    for step_id in list(lost):
        with transaction.atomic():
            step = (
                Step.objects.select_for_update(of=("self",), skip_locked=True)
                .filter(dead(), pk=step_id, status=StepStatus.RUNNING)
                .first()
            )
            if step is not None:
                _hand_back(step)
                runs.append(step.run_id)
    return runs


def _hand_back(step: Step) -> None:
    transition(
        step,
        StepStatus.READY,
        by=SWEEP,
        where=Q(attempt=step.attempt),
        body={"attempt": step.attempt, "lost": str(step.incarnation)},
        incarnation=None,
        wake_at=None,
        explanation="Its worker stopped; another one takes it over.",
    )
