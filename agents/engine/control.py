"""Cancelling at the next boundary, and waking what waits."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from agents.engine.claims import RESCUE, WORKER
from agents.engine.outcomes import end_run
from agents.models import Run, Step
from agents.models.run import RunQuerySet
from agents.states import STEP_TERMINAL, RunStatus, StepStatus
from approvals.models import Request
from approvals.operations import cancel_action, cancel_requests_of_run
from approvals.states import RequestKind, RequestStatus
from tools.models import Action
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, reached
from workspaces.transitions import transition

CANCELLED = "The run was cancelled."
LAPSED = "Nobody confirmed this preview within a day. Look again: what it showed may have changed."
PREVIEWS_HOLD = timedelta(days=1)
HELD = frozenset({ActionStatus.IN_REVIEW, ActionStatus.IN_DOUBT})
"""Statuses in which an action waits for people; in any other one, its waiting step has something to do."""
ASKED = Request.objects.filter(action_id=OuterRef("action_id"), kind=RequestKind.SETTLE, status=RequestStatus.OPEN)
IDLE = ~Q(action__status__in=HELD) | (Q(action__status=ActionStatus.IN_DOUBT) & ~Exists(ASKED))
"""The step waits for nobody: people have answered, or the time for settling ran out and they must be asked again."""


def honour_cancel(run_id: UUID) -> None:
    """Cancel what has not begun; end the run when nothing of it is running any more.

    What is running ends by itself and ends the run then; so does a step whose worker was lost in the middle, once
    another one has found out what became of its action. An action in doubt stays in doubt, with its request.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.is_terminal or run.cancel_requested_at is None:
            return
        begun = Q(status=StepStatus.READY) & RESCUE
        idle = run.steps.filter(status__in=[StepStatus.READY, StepStatus.WAITING]).exclude(begun)
        for step in idle.select_for_update(of=("self",)).order_by("number"):
            transition(step, StepStatus.CANCELLED, by=WORKER, explanation=CANCELLED, finished_at=timezone.now())
            if step.action_id is not None:
                cancel_action(action_id=step.action_id, explanation=CANCELLED, by=WORKER)
        cancel_children(run.children.live())
        cancel_requests_of_run(run_id=run.id, explanation=CANCELLED, by=WORKER)
        if not run.steps.filter(Q(status=StepStatus.RUNNING) | begun).exists():
            end_run(run, RunStatus.CANCELLED, explanation=CANCELLED)


def cancel_children(children: RunQuerySet) -> None:
    """Cancel the runs that a run which goes on no further has begun; call with that run locked."""
    for child_id in list(children.filter(cancel_requested_at=None).values_list("id", flat=True)):
        Run.objects.filter(pk=child_id, cancel_requested_at=None).update(cancel_requested_at=ClockTimestamp())
        honour_cancel(child_id)


def let_lapse(run_id: UUID) -> None:
    """End the preview of a rollback that nobody has confirmed for a day: what it showed is no longer to be trusted."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.is_preview:
            end_run(run, RunStatus.CANCELLED, explanation=LAPSED)


def wake(step: Step) -> None:
    """Make a waiting step ready; call with its run locked."""
    changes: dict[str, Any] = {"wake_at": ClockTimestamp(), "nudged_at": None, "failures": 0, "takeovers": 0}
    transition(step, StepStatus.READY, by=WORKER, awaits="", **changes)


def wake_for_action(action_id: UUID) -> UUID | None:
    """Wake the step that waits for this action, if it has something to do now; return its run."""
    found = Step.objects.filter(action_id=action_id, status=StepStatus.WAITING).values_list("run_id", flat=True).first()
    if found is None:
        return None
    reached(Failpoint.STEP_WAKING)
    with transaction.atomic():
        Run.objects.select_for_update(no_key=True).get(pk=found)
        step = (
            Step.objects.select_for_update(of=("self",))
            .filter(IDLE, action_id=action_id, status=StepStatus.WAITING)
            .first()
        )
        if step is None:
            return None
        wake(step)
    return found


def drop_if_over(action_id: UUID) -> None:
    """Cancel an approved action whose step is over: its run was cancelled, and a person settled the doubt too late."""
    over = Action.objects.filter(pk=action_id, status=ActionStatus.APPROVED, step__status__in=STEP_TERMINAL)
    if over.exists():
        cancel_action(action_id=action_id, explanation=CANCELLED, by=WORKER)
