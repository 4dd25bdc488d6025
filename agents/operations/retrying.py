"""Going on with a failed run: its last step, a model call that failed, is made ready again by a person.

Only a model call: nothing outside has happened by it, and what it cost is on record. An action is never done again this
way. One in doubt has its own request; one that was refused or has failed was told to the agent, which goes on with it.
"""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from agents.errors import AgentUnavailable, NothingToRetry
from agents.models import Run, Step
from agents.operations.runs import controllable_run
from agents.states import RunKind, RunStatus, StepKind, StepStatus
from agents.tasks import enqueue_on_commit
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp
from workspaces.errors import Forbidden, NotFound
from workspaces.models import User
from workspaces.transitions import transition

REFUSED: Final = frozenset({ActionStatus.REJECTED, ActionStatus.DENIED})
EMPTIED: Final = "What this run said has been removed by its age."
CANCELLED: Final = "Somebody has asked for the end of this run."
ROLLED_BACK: Final = "What this run did has been rolled back, or is being rolled back."
A_ROLLBACK: Final = "A rollback is not gone on with: the systems may have moved since its preview."


def retry_step(*, run_id: UUID, step_id: UUID, by: User) -> Run:
    """Let a failed run go on with its failed step; budgets and limits hold, and ``by`` is a cause of what comes of it.

    Raise ``NotFound``, ``Forbidden`` and :class:`NothingToRetry` (409) with the reason.
    """
    controllable_run(run_id, by, "go on with")
    with transaction.atomic():
        rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("agent")
        run = rows.get(pk=run_id)
        step = run.steps.select_for_update(of=("self",)).filter(pk=step_id).first()
        if step is None:
            raise NotFound("There is no such step in this run.", "Choose one of the run's steps.")
        check_retry(run, step)
        _go_on(run, step, by)
        enqueue_on_commit(run.id)
    return run


def _go_on(run: Run, step: Step, by: User) -> None:
    causes = sorted({*run.causes, *map(UUID, by.cause_ids())})
    cleared: dict[str, Any] = {"explanation": "", "finished_at": None}
    fresh: dict[str, Any] = {"failures": 0, "takeovers": 0, "wake_at": ClockTimestamp(), "nudged_at": None}
    apart = {"set_aside": F("set_aside") + (ClockTimestamp() - F("finished_at"))}
    again: dict[str, Any] = {"time_up_at": ClockTimestamp(), **apart} if run.time_limit_seconds is not None else {}
    told = {"step": str(step.id)}
    transition(run, RunStatus.RUNNING, by=by, body=told, open_steps=1, causes=causes, **cleared, **again)
    transition(step, StepStatus.READY, by=by, body={"attempt": step.attempt}, **fresh, **cleared)


def check_retry(run: Run, step: Step) -> None:
    """Raise with the sentence why the run does not go on with this step."""
    _check_action(step)
    if run.status != RunStatus.FAILED or step.status != StepStatus.FAILED:
        raise NothingToRetry("This step of this run has not failed, or has been gone on with already.")
    last = run.steps.order_by("-number").values_list("id", flat=True).first()
    if step.kind != StepKind.MODEL or step.id != last or step.thread:
        raise NothingToRetry("A run is gone on with at the model call that failed last, and nowhere else.")
    reasons = {
        A_ROLLBACK: run.kind != RunKind.TASK,
        EMPTIED: run.emptied_at is not None,
        CANCELLED: run.cancel_requested_at is not None,
        ROLLED_BACK: run.rollbacks.filter(turn__gt=0).exists(),
    }
    for sentence in [sentence for sentence, holds in reasons.items() if holds]:
        raise NothingToRetry(sentence, "Give the task again instead.")
    if not run.agent.is_enabled:
        raise AgentUnavailable(f"{run.agent.title} takes no tasks now.", "It is disabled: an owner can change that.")


def _check_action(step: Step) -> None:
    if step.action is None:
        return
    if step.action.status == ActionStatus.IN_DOUBT:
        raise NothingToRetry("This action may have happened: it is not tried again blindly.", "Settle it in the inbox.")
    if step.action.status in REFUSED:
        raise NothingToRetry("This action was refused; going on does not do it.", "Give the task again instead.")


def retryable_step(run: Run, user: User) -> Step | None:
    """Return the step at which ``user`` may go on with the run, if there is one."""
    step = run.steps.order_by("-number").first() if run.status == RunStatus.FAILED else None
    if step is None or not Run.objects.controllable_by(user).filter(pk=run.pk).exists():
        return None
    try:
        check_retry(run, step)
    except (NothingToRetry, AgentUnavailable, Forbidden):
        return None
    return step
