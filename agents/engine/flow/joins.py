"""Threads that run beside one another, and how they come together again.

A ``parallel`` or ``map`` step, the *fork*, waits while its threads go on. All that moves a step locks its run first, so
whoever ends a thread's last step counts exactly how the others stand, and decides. What is then not needed any more is
cancelled where it has not begun; what has begun ends by itself, and the fork waits for it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from agents.engine.claims import RESCUE, WORKER
from agents.engine.control import cancel_children, wake
from agents.engine.flow.visiting import visit
from agents.models import Run, Step
from agents.states import STEP_TERMINAL, StepStatus
from agents.workflows.graph import Fork, Map, Workflow
from approvals.operations import cancel_action, cancel_request
from workspaces.transitions import transition

THREADS: Final = "threads"
CLOSING: Final = "closing"
"""What a fork waits for: its threads; or, once they are decided, the end of what had begun in those left over."""
NOT_NEEDED: Final = "It is not needed any more."
TALLY: Final = """
SELECT count(*), count(*) FILTER (WHERE open), count(*) FILTER (WHERE NOT open AND last = 'succeeded')
FROM (
    SELECT split_part(substr(thread, length(%(prefix)s) + 1), '/', 1) AS key,
           bool_or(status IN ('ready', 'running', 'waiting')) AS open,
           (array_agg(status ORDER BY number DESC) FILTER (WHERE parent_id = %(fork)s))[1] AS last
    FROM agents_step WHERE run_id = %(run)s AND starts_with(thread, %(prefix)s)
    GROUP BY 1
) threads
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the threads of a fork stand."""

    total: int
    begun: int
    open: int
    succeeded: int

    @property
    def failed(self) -> int:
        """How many ended otherwise than well."""
        return self.begun - self.open - self.succeeded


def prefix_of(fork: Step) -> str:
    """Return what the paths of all threads within a fork begin with."""
    return f"{fork.thread}/{fork.number}." if fork.thread else f"{fork.number}."


def tally_of(fork: Step) -> Tally:
    """Count a fork's threads; call with the run locked."""
    with connection.cursor() as cursor:
        cursor.execute(TALLY, {"prefix": prefix_of(fork), "fork": fork.id, "run": fork.run_id})
        begun, unfinished, succeeded = cursor.fetchone()
    return Tally(fork.input["threads"], begun, unfinished, succeeded)


def decision(node: Fork, tally: Tally) -> bool | None:
    """Return whether the threads have come to enough, or cannot any more; None where that is open."""
    needed = node.needed(tally.total)
    if tally.succeeded >= needed:
        return True
    if tally.total - tally.failed >= needed:
        return None
    if node.on_partial == "fail":
        return False
    return tally.succeeded > 0 if tally.succeeded + tally.failed == tally.total else None


def begin_thread(run: Run, workflow: Workflow, fork: Step, key: str) -> None:
    """Let one thread of a fork begin with its first node."""
    node = workflow.node(fork.node)
    if isinstance(node, Fork):
        start = node.flow_of(key).start
        visit(run, workflow, start, by=WORKER, thread=f"{prefix_of(fork)}{key}", parent_id=fork.id)


def thread_over(run: Run, workflow: Workflow, fork_id: UUID) -> None:
    """Decide whether the fork of a thread that is over goes on; a map lets its next item begin."""
    fork = Step.objects.get(pk=fork_id)
    node = workflow.node(fork.node)
    if not isinstance(node, Fork) or fork.status != StepStatus.WAITING:
        return
    tally = tally_of(fork)
    if decision(node, tally) is not None:
        Step.objects.filter(pk=fork.pk).update(awaits=CLOSING)
        _close(run, fork)
    elif isinstance(node, Map) and tally.begun < tally.total and tally.open < node.at_once:
        begin_thread(run, workflow, fork, str(tally.begun))


def is_left_over(step: Step) -> bool:
    """Say whether the step is in a thread that is not needed any more."""
    fork_id = step.parent_id
    while fork_id is not None:
        fork = Step.objects.only("status", "awaits", "parent_id").get(pk=fork_id)
        if fork.status != StepStatus.WAITING or fork.awaits == CLOSING:
            return True
        fork_id = fork.parent_id
    return False


def is_not_needed(run: Run, step: Step) -> bool:
    """Say whether the step was in a thread that is left over; the fork goes on where it was the last of them."""
    fork_id = step.parent_id
    while fork_id is not None:
        fork = Step.objects.get(pk=fork_id)
        if fork.status == StepStatus.WAITING and fork.awaits != CLOSING:
            return fork_id != step.parent_id
        if fork.status == StepStatus.WAITING:
            _close(run, fork)
            return True
        fork_id = fork.parent_id
    return step.parent_id is not None


def _close(run: Run, fork: Step) -> None:
    """Cancel what has not begun within a decided fork, and wake it where nothing is left."""
    within = run.steps.filter(thread__startswith=prefix_of(fork)).exclude(status__in=STEP_TERMINAL)
    begun = Q(status=StepStatus.READY) & RESCUE
    idle = within.filter(status__in=[StepStatus.READY, StepStatus.WAITING]).exclude(begun)
    for step in idle.select_for_update(of=("self",)).order_by("number"):
        drop(step, NOT_NEEDED)
        Run.objects.filter(pk=run.pk).update(open_steps=F("open_steps") - 1)
    if not within.all().exists():
        wake(fork)


def drop(step: Step, explanation: str) -> None:
    """Cancel a step that has not begun or only waits, with what it waits for; call with its run locked."""
    transition(step, StepStatus.CANCELLED, by=WORKER, explanation=explanation, finished_at=timezone.now())
    if step.action_id is not None:
        cancel_action(action_id=step.action_id, explanation=explanation, by=WORKER)
    if "request" in step.input:
        cancel_request(request_id=UUID(step.input["request"]), explanation=explanation, by=WORKER)
    if "child" in step.input:
        cancel_children(Run.objects.live().filter(pk=step.input["child"]))


def closing_forks(rows: Q, limit: int) -> list[UUID]:
    """Return the forks of ``rows`` that are decided and still wait for what had begun."""
    found = Step.objects.filter(rows, status=StepStatus.WAITING, awaits=CLOSING)
    return list(found.values_list("id", flat=True)[:limit])


def close_fork(fork_id: UUID) -> None:
    """Look once more at a decided fork: what was given back meanwhile is cancelled."""
    found = Step.objects.filter(pk=fork_id).values_list("run_id", flat=True).first()
    if found is None:
        return
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=found)
        fork = Step.objects.filter(pk=fork_id, status=StepStatus.WAITING, awaits=CLOSING).first()
        if fork is not None and not run.is_terminal and run.cancel_requested_at is None:
            _close(run, fork)
