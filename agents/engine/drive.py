"""Driving: one task carries a run over as many steps as it can, up to a quantum, then hands it back for fairness."""

import logging
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import transaction
from structlog.contextvars import bound_contextvars

from agents.engine.claims import claim_step
from agents.engine.control import honour_cancel
from agents.engine.flow import action, branch, child, code, event, fork, model, person, retrieve, wait
from agents.engine.lane.ride import by_lane_or
from agents.engine.outcomes import rest
from agents.engine.stumbling import stumble
from agents.engine.workers import driving, stopping
from agents.models import Run, Step
from agents.states import StepKind
from agents.tracing import traced_step
from workspaces.errors import StaleState
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

QUANTUM = 25
PERFORM: Final[dict[str, Callable[[Step], None]]] = {
    StepKind.MODEL: model.perform,
    StepKind.ACTION: action.perform,
    StepKind.CODE: by_lane_or(code.perform),
    StepKind.BRANCH: by_lane_or(branch.perform),
    StepKind.CHILD: child.perform,
    StepKind.EVENT: event.perform,
    StepKind.MAP: fork.perform,
    StepKind.PARALLEL: fork.perform,
    StepKind.PERSON: person.perform,
    StepKind.RETRIEVAL: retrieve.perform,
    StepKind.WAIT: wait.perform,
}


def drive(run_id: UUID, *, quantum: int = QUANTUM) -> bool:
    """Carry the run on; return whether it may have more to do at once.

    Being called twice, late, or for a run that has nothing to do is harmless.
    """
    with driving(run_id), bound_contextvars(run=str(run_id)):
        for _ in range(quantum):
            if stopping():
                return True
            step = claim_step(run_id)
            if step is None:
                _settle_down(run_id)
                return False
            reached(Failpoint.STEP_CLAIMED)
            if step.run.cancel_requested_at is not None:
                honour_cancel(run_id)  # of a run that is to end only what a lost worker left is claimed
            _perform(step)
    return True


@traced_step
def _perform(step: Step) -> None:
    attempt, owner = step.attempt, step.incarnation
    try:
        PERFORM[step.kind](step)
    except StaleState as lost:
        log.info("Step %s went on without this worker: %s", step.id, lost.message)
    except Exception:  # a defect of ours may not lose the run: the step is tried again, a bounded number of times
        log.exception("Step %s failed in a way that nobody foresaw", step.id)
        stumble(step.id, attempt=attempt, incarnation=owner)


def _settle_down(run_id: UUID) -> None:
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).filter(pk=run_id).first()
        if run is None or run.is_terminal:
            return
        if run.cancel_requested_at is not None:
            honour_cancel(run_id)
        else:
            rest(run)
