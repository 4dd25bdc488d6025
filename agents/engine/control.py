"""Cancelling at the next boundary, and waking what waits."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.engine.claims import WORKER
from agents.engine.outcomes import end_run
from agents.models import Run, Step
from agents.states import RunStatus, StepStatus
from approvals.operations import cancel_action, cancel_requests_of_run
from tools.states import ActionStatus
from workspaces.transitions import transition

CANCELLED = "The run was cancelled."
HELD = frozenset({ActionStatus.IN_REVIEW, ActionStatus.IN_DOUBT})
"""Statuses in which an action waits for people; in any other one, its waiting step has something to do."""


def honour_cancel(run_id: UUID) -> None:
    """Cancel what has not begun; end the run when nothing of it is running any more.

    What is running ends by itself and ends the run then. An action in doubt stays in doubt, with its request.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.is_terminal or run.cancel_requested_at is None:
            return
        idle = [StepStatus.READY, StepStatus.WAITING]
        for step in run.steps.select_for_update().filter(status__in=idle).order_by("number"):
            transition(step, StepStatus.CANCELLED, by=WORKER, explanation=CANCELLED, finished_at=timezone.now())
            if step.action_id is not None:
                cancel_action(action_id=step.action_id, explanation=CANCELLED, by=WORKER)
        cancel_requests_of_run(run_id=run.id, explanation=CANCELLED, by=WORKER)
        if not run.steps.filter(status=StepStatus.RUNNING).exists():
            end_run(run, RunStatus.CANCELLED, explanation=CANCELLED)


def wake(step: Step) -> None:
    """Make a waiting step ready; call with its run locked."""
    transition(step, StepStatus.READY, by=WORKER, wake_at=None, nudged_at=None, failures=0)


def wake_for_action(action_id: UUID) -> UUID | None:
    """Wake the step that waits for this action, if it has something to do now; return its run."""
    found = Step.objects.filter(action_id=action_id, status=StepStatus.WAITING).values_list("run_id", flat=True).first()
    if found is None:
        return None
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=found)
        step = (
            Step.objects.select_for_update(of=("self",))
            .filter(action_id=action_id, status=StepStatus.WAITING)
            .exclude(action__status__in=HELD)
            .first()
        )
        if step is None:
            return None
        wake(step)
    return found
