"""A step that fails in a way nobody foresaw: it is tried again, and ends with a sentence where that does not help."""

from uuid import UUID

from django.db import transaction

from agents.engine.claims import WORKER
from agents.engine.outcomes import backoff, end_run, finish, hand_over, lock_run
from agents.engine.turns import go_on
from agents.engine.usage import settle_lost
from agents.models import Step
from agents.states import RunStatus, StepKind, StepStatus
from approvals.operations import cancel_action
from tools.models import Action
from workspaces.errors import StaleState

MAX_STUMBLES = 8
AGAIN = "Something unforeseen went wrong (the log has the details). It is tried again."
ENOUGH = "Something unforeseen went wrong again and again (the log has the details). It was given up."


def stumble(step_id: UUID, *, attempt: int, incarnation: UUID | None) -> None:
    """Give the step back for later; end it where it has failed too often. An action that has begun is never given up.

    The step is read afresh: what the failure has rolled back is still in the memory of who failed.
    """
    found = Step.objects.select_related("run").filter(status=StepStatus.RUNNING, pk=step_id)
    step = found.filter(attempt=attempt, incarnation=incarnation).first()
    if step is None:
        return
    try:
        with transaction.atomic():
            lock_run(step)
            if step.kind == StepKind.MODEL:
                settle_lost(step)
            if step.failures + 1 < MAX_STUMBLES or not give_up(step, ENOUGH):
                hand_over(step, seconds=backoff(step.failures), failed=True, explanation=AGAIN)
    except StaleState:
        return


def give_up(step: Step, sentence: str) -> bool:
    """End a running step as failed; return False for an action that has begun, which is never given up."""
    with transaction.atomic():
        run = lock_run(step)
        if step.action_id is not None:
            action = Action.objects.get(step=step)
            cancel_action(action_id=action.id, explanation=sentence, by=WORKER)
            action.refresh_from_db(fields=["status"])
            if not action.is_terminal:
                return False
            finish(run, step, StepStatus.FAILED, explanation=sentence)
            go_on(run, step)
        elif step.node:
            finish(run, step, StepStatus.FAILED, explanation=sentence)
            go_on(run, step)
        else:
            finish(run, step, StepStatus.FAILED, explanation=sentence)
            end_run(run, RunStatus.FAILED, explanation=sentence)
    return True
