"""Taking over: what a dead worker held is handed back, and a step that ends every worker is left to people.

An orderly stop of a worker is nobody's fault. Any other loss is counted, and ``STEP_TAKEOVERS`` of them are enough: a
model call then waits for a person, an action that had not begun is given up, and one that may have happened is put
before people without another look at the system that may be what ends the workers.
"""

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from agents.engine.claims import SWEEP
from agents.engine.limits import ask_to_extend
from agents.engine.stumbling import give_up
from agents.engine.usage import record_lost
from agents.engine.workers import claiming, dead, driven, incarnation
from agents.models import Run, Step, Worker
from agents.states import StepKind, StepStatus
from approvals.errors import NoQueue
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, reached
from workspaces.transitions import transition

NOT_BEGUN = frozenset({ActionStatus.PROPOSED, ActionStatus.APPROVED})
WORDS = {StepKind.MODEL: "model call", StepKind.ACTION: "action"}


def lost_steps(limit: int = 100) -> list[UUID]:
    """Return running steps whose owners are proven dead."""
    return list(Step.objects.filter(dead(), status=StepStatus.RUNNING).values_list("id", flat=True)[:limit])


def hand_back_if_lost(step_id: UUID) -> UUID | None:
    """Hand the step back if its owner is proven dead; return its run then."""
    return _hand_back_if(step_id, dead())


def hand_back_dropped() -> list[UUID]:
    """Hand back what this very process owns though none of its threads carries it on; return those runs.

    A thread that could not record its outcome, because the database was away, leaves such a step behind.
    """
    mine = incarnation()
    owned = Step.objects.filter(status=StepStatus.RUNNING, incarnation=mine)
    with claiming():
        held = list(owned.values_list("id", "run_id", "attempt"))
        busy = driven()
    dropped = [(step, attempt) for step, run, attempt in held if run not in busy]
    found = [_hand_back_if(step, Q(incarnation=mine, attempt=attempt)) for step, attempt in dropped]
    return [run for run in found if run is not None]


def worn_out(step: Step) -> bool:
    """Say whether the step has cost so many workers that no further one is put at risk."""
    return step.takeovers >= settings.STEP_TAKEOVERS


def sentence_of(step: Step) -> str:
    """Return the sentence that names what has ended so many workers."""
    what = WORDS.get(StepKind(step.kind), "step")
    return f"Step {step.number} has stopped its worker {step.takeovers} times in the middle of this {what}."


def _hand_back_if(step_id: UUID, condition: Q) -> UUID | None:
    """Hand the step back unless somebody has it or its run locked: that waits for another round, never a heartbeat."""
    held = Step.objects.filter(condition, pk=step_id, status=StepStatus.RUNNING)
    with transaction.atomic():
        run_id = held.values_list("run_id", flat=True).first()
        if run_id is None:
            return None
        runs = Run.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        run = runs.select_related("agent", "version__route").filter(pk=run_id).first()
        step = held.select_for_update(of=("self",), skip_locked=True).first() if run is not None else None
        if run is None or step is None:
            return None
        step.run = run
        _hand_back(step)
    reached(Failpoint.STEP_HANDED_BACK)
    return run_id


def _hand_back(step: Step) -> None:
    if step.kind == StepKind.MODEL:
        record_lost(step)
    stopped_orderly = Worker.objects.filter(pk=step.incarnation or UUID(int=0), stopped_at__isnull=False)
    if not stopped_orderly.exists():
        step.takeovers += 1
        Step.objects.filter(pk=step.pk).update(takeovers=step.takeovers)
        if worn_out(step) and _leave_to_people(step):
            return
    transition(
        step,
        StepStatus.READY,
        by=SWEEP,
        where=Q(attempt=step.attempt),
        body={"attempt": step.attempt, "lost": str(step.incarnation)},
        incarnation=None,
        wake_at=ClockTimestamp(),
        nudged_at=None,
        explanation="Its worker stopped; another one takes it over.",
    )


def _leave_to_people(step: Step) -> bool:
    """End it, or let it wait for a person; return False where what was begun has to be found out about first."""
    if step.run.cancel_requested_at is not None:
        return False
    if step.kind == StepKind.MODEL:
        try:
            ask_to_extend(step, f"{sentence_of(step)} It is tried again when the run's step limit is given anew.")
        except NoQueue as nobody:
            step.refresh_from_db()  # the wait was rolled back, which its row in memory does not know
            return give_up(step, f"{sentence_of(step)} {nobody.message}")
        return True
    if step.action is None:
        return give_up(step, f"{sentence_of(step)} It was given up.")
    if step.action.status not in NOT_BEGUN:
        return False
    return give_up(step, f"{sentence_of(step)} It was given up, and nothing was sent.")
