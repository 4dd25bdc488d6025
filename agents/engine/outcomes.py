"""Recording what became of a step, and what follows from it, in one transaction.

Each function first locks the run row (lock order: run, step, action, request), then moves the step under its fencing
attempt. Losing that comparison raises ``StaleState``: somebody else owns the step now, and nothing is written.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from agents.engine.claims import WORKER
from agents.models import Run, Step
from agents.models.step import APART
from agents.signals import tell_of_end
from agents.states import RunStatus, StepStatus
from agents.tracing import trace_run
from workspaces.actors import Actor
from workspaces.canonical import sanitise
from workspaces.database import ClockTimestamp, update_returning
from workspaces.payloads import keep
from workspaces.transitions import transition


def lock_run(step: Step) -> Run:
    """Lock and return the step's run; call inside a transaction, before touching the step."""
    found = Run.objects.select_for_update(of=("self",), no_key=True).select_related("agent", "version", "session")
    return found.defer("version__workflow").get(pk=step.run_id)


def fenced(step: Step) -> Q:
    """Return the condition that this worker still owns the step."""
    return Q(attempt=step.attempt, incarnation=step.incarnation)


def backoff(failures: int, most: float = 60.0) -> float:
    """Return how many seconds to wait after ``failures`` earlier failures: doubling, up to ``most``."""
    return min(float(settings.RETRY_BASE_SECONDS) * 2.0 ** min(failures, 30), most)


def hand_over(
    step: Step,
    *,
    seconds: float = 0,
    explanation: str = "",
    failed: bool = False,
    output: dict[str, Any] | None = None,
) -> None:
    """Give the step back, to be claimed again after ``seconds``; ``failed`` counts one more failure.

    ``output`` says in names what it waits for, until the step has an output of its own.
    """
    with transaction.atomic():
        lock_run(step)
        transition(
            step,
            StepStatus.READY,
            by=WORKER,
            where=fenced(step),
            body={"attempt": step.attempt},
            incarnation=None,
            wake_at=ClockTimestamp() + timedelta(seconds=seconds),
            nudged_at=None,
            failures=step.failures + (1 if failed else 0),
            explanation=explanation,
            output=sanitise(output) or None,
        )


def wait(step: Step, *, explanation: str, awaits: str = "", **changes: Any) -> None:
    """Let the step wait for people, or for what ``awaits`` names; it holds no worker from here on."""
    with transaction.atomic():
        run = lock_run(step)
        told = {"incarnation": None, "wake_at": None, "explanation": explanation, "awaits": awaits, **changes}
        transition(step, StepStatus.WAITING, by=WORKER, where=fenced(step), **told)
        rest(run)


def rest(run: Run) -> None:
    """Call a running run ``waiting`` when nothing of it is ready or running."""
    moving = run.steps.filter(status__in=[StepStatus.READY, StepStatus.RUNNING]).exists()
    if run.status == RunStatus.RUNNING and not moving:
        transition(run, RunStatus.WAITING, by=WORKER)


def finish(
    run: Run, step: Step, status: StepStatus, *, output: dict[str, Any] | None = None, explanation: str = ""
) -> bool:
    """End a running step (in the caller's transaction, with the run locked); return whether its turn is over."""
    said = sanitise(output)
    transition(
        step,
        status,
        by=WORKER,
        where=fenced(step),
        body={"attempt": step.attempt},
        incarnation=None,
        output=keep(said, workspace_id=step.workspace_id, owner_id=step.run_id, only=APART),
        explanation=explanation,
        finished_at=timezone.now(),
    )
    step.output = said
    return count_down(run)


def count_down(run: Run) -> bool:
    """Take one step off the run's open ones; return whether that was the last of the turn."""
    less = {"open_steps": F("open_steps") - 1, "steps_used": F("steps_used") + 1}
    counted = update_returning(Run.objects.filter(pk=run.pk), list(less), **less)
    if counted is None:
        raise AssertionError("A run that is locked is there.")
    run.open_steps, run.steps_used = counted
    return run.open_steps == 0


def end_run(
    run: Run, status: RunStatus, *, explanation: str = "", outcome: dict[str, Any] | None = None, by: Actor = WORKER
) -> None:
    """End the run; call with the run locked."""
    transition(
        run, status, by=by, explanation=explanation, outcome=sanitise(outcome), finished_at=timezone.now(), open_steps=0
    )
    trace_run(run)
    if run.parent_id is not None:
        tell_of_end(run.id)
