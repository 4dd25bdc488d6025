"""An action step: from a proposal to its end, one move of the action at a time.

Each pass makes the one move that belongs to the action's status, and hands on the action as it is then. A pass that
cannot go on gives the step back (the system is down, a pause) or lets it wait (for people), and the rows remember
everything.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction

from agents.engine.claims import WORKER
from agents.engine.control import CANCELLED
from agents.engine.outcomes import backoff, fenced, finish, hand_over, lock_run, wait
from agents.engine.subjects import remember_subject
from agents.engine.takeovers import sentence_of, worn_out
from agents.engine.turns import go_on
from agents.engine.workers import alive
from agents.models import Step
from agents.states import StepStatus
from approvals.errors import NoQueue
from approvals.operations import ask_to_settle, cancel_action
from tools.connectors.base import Probe
from tools.errors import NotCleared, Paused, ToolUnavailable
from tools.models import Action
from tools.operations import execute, look_before, lose, prove, read_back
from tools.ports import gate
from tools.schemas import validate
from tools.states import ActionStatus, AttemptKind, AttemptOutcome, Effect
from workspaces.errors import StaleState
from workspaces.failpoints import Failpoint, reached

MAX_MOVES = 12
MAX_UNREACHABLE = 50
MAX_REFUSED = 12
PAUSE_LOOK_SECONDS = 2
NOBODY_ASKED_SECONDS = 600
CHANGING: Final = frozenset({Effect.REVERSIBLE, Effect.COMPENSATABLE})
S = ActionStatus
ENDS: Final[dict[str, StepStatus]] = {
    S.FAILED: StepStatus.FAILED,
    S.CANCELLED: StepStatus.CANCELLED,
}
"""A step whose action was rejected, denied or expired has done its part: the answer is on record."""


def perform(step: Step, known: Action | None = None) -> None:
    """Carry a claimed action step as far as it goes now; ``known`` is its action where that has just been proposed."""
    action = known or _current(step)
    for _ in range(MAX_MOVES):
        if action.is_terminal:
            _read_back(step, action)
            _end(step, action)
            return
        moved = MOVES[action.status](step, action)
        if moved is None:
            return
        action = _current(step) if moved.status == S.SUPERSEDED else moved
    _later(step, _current(step), "It is being gated again and again.", most=MAX_REFUSED)


def _current(step: Step) -> Action:
    """Return the step's action, or the newest revision of it, which then takes its place."""
    action = Action.objects.select_related("tool__connection", "compensates").get(step=step)
    while action.status == S.SUPERSEDED:
        revision = action.revisions.select_related("tool__connection", "compensates").order_by("-created_at").first()
        if revision is None:
            break
        if not Step.objects.filter(fenced(step), pk=step.pk).update(action=revision):
            raise StaleState("Another worker has taken this step over.")
        step.action = action = revision
    return action


def _gate(step: Step, action: Action) -> Action | None:
    """Look at what would be changed, then let the gate judge; what does not fit the tool is not even looked at."""
    if _has_state(action) and not validate(action.arguments, action.tool.input_schema) and not _look(step, action):
        return None
    return _clear(step, action)


def _has_state(action: Action) -> bool:
    """Say whether there is something to look at before and after: what is changed, or the account that money leaves."""
    return action.effect in CHANGING or (action.tool.moves_money and action.effect != Effect.READ)


def _clear(step: Step, action: Action) -> Action | None:
    try:
        judged = gate().clear(action.id)
    except Paused as pause:
        hand_over(step, seconds=PAUSE_LOOK_SECONDS, explanation=f"{pause.message} {pause.hint}")
        return None
    reached(Failpoint.ACTION_JUDGED)
    return judged


def _look(step: Step, action: Action) -> bool:
    """Read the before-image; where the system cannot be reached, give the step back for later.

    Where the system says no (there is no such row, say), the agent is told at once; but what people have approved is
    not lost over a credential that somebody renews in a few minutes.
    """
    try:
        look = look_before(action_id=action.id, by=WORKER, incarnation=step.incarnation)
    except ToolUnavailable:
        return True
    if look.refused and action.status == S.PROPOSED:
        cancel_action(action_id=action.id, explanation=look.problem, by=WORKER)
        _end(step, Action.objects.get(pk=action.pk))
        return False
    if look.problem:
        _later(step, action, look.problem, most=MAX_REFUSED if look.refused else MAX_UNREACHABLE)
        return False
    return not (action.compensates_id and _drifted(step, action))


def _drifted(step: Step, action: Action) -> bool:
    """A compensation undoes only what is still there: end it where somebody has changed the state since."""
    fresh = Action.objects.get(pk=action.pk)
    if action.compensates is None or fresh.before_image == action.compensates.after_image:
        return False
    cancel_action(
        action_id=action.id,
        explanation="The state has been changed since; undoing would overwrite that. Nothing was done.",
        by=WORKER,
    )
    _end(step, Action.objects.get(pk=action.pk))
    return True


def _later(step: Step, action: Action, problem: str, most: int = MAX_UNREACHABLE) -> None:
    if step.failures + 1 >= most:
        cancel_action(action_id=action.id, explanation=f"{problem} It was tried {step.failures + 1} times.", by=WORKER)
        _end(step, Action.objects.get(pk=action.pk))
        return
    hand_over(step, seconds=backoff(step.failures), failed=True, explanation=f"{problem} It is tried again.")


def _execute(step: Step, action: Action) -> Action | None:
    """Execute a cleared action; look once more before, so that drift goes back to people and not over the world."""
    if _has_state(action) and not _look(step, action):
        return None
    owner = step.incarnation
    if owner is None:
        raise StaleState("This step has no owner.")
    if _cancelled(step):
        cancel_action(action_id=action.id, explanation=CANCELLED, by=WORKER)
        return _current(step)
    try:
        done = execute(action_id=action.id, incarnation=owner)
    except (NotCleared, ToolUnavailable):
        return _clear(step, action)
    except Paused as pause:
        hand_over(step, seconds=PAUSE_LOOK_SECONDS, explanation=f"{pause.message} {pause.hint}")
        return None
    except StaleState:
        return _clear(step, action)
    return _not_done(step, done) if done.status == S.APPROVED else done


def _cancelled(step: Step) -> bool:
    """Say, last before an effect, whether the run is to end; raise ``StaleState`` where the step is no longer ours."""
    owned = Step.objects.filter(fenced(step), alive(), pk=step.pk)
    asked = list(owned.values_list("run__cancel_requested_at", flat=True))
    if not asked:
        raise StaleState("Another worker has taken this step over.")
    return asked[0] is not None


def _read_back(step: Step, action: Action) -> None:
    """Read a change back, once; also one that a person settled, or whose worker died just after it."""
    if action.status != S.SUCCEEDED or not _has_state(action):
        return
    if not action.attempts.filter(kind=AttemptKind.VERIFY, outcome=AttemptOutcome.DONE).exists():
        sentence = f"{sentence_of(step)} It was not read back."
        if not worn_out(step):
            sentence = read_back(action_id=action.id, by=WORKER, incarnation=step.incarnation)
        Action.objects.filter(pk=action.pk, explanation="").update(explanation=sentence)


def _not_done(step: Step, action: Action) -> Action | None:
    """Nothing was changed: the world had moved (gate it again), or the system could not be reached (later)."""
    last = action.attempts.filter(kind=AttemptKind.EXECUTE).order_by("-number").first()
    if last is not None and last.outcome == AttemptOutcome.DRIFTED:
        return _clear(step, action) if _look(step, action) else None
    _later(step, action, action.explanation)
    return None


def _await_people(step: Step, action: Action) -> None:
    wait(step, explanation="It waits for people.")


def _take_over(step: Step, action: Action) -> Action:
    """Its worker is proven dead (else the step would not have been handed back): whether it happened is in doubt."""
    lost = lose(action_id=action.id, attempt=action.attempt, by=WORKER)
    reached(Failpoint.DOUBT_RAISED)
    return lost


def _doubt(step: Step, action: Action) -> Action | None:
    """Prove what happened where that is possible; else people are asked, and nothing is tried again blindly."""
    if worn_out(step):
        probe = Probe(None, f"{sentence_of(step)} The system was not asked once more.")
    else:
        probe = prove(action_id=action.id, by=WORKER, incarnation=step.incarnation)
    reached(Failpoint.DOUBT_PROBED)
    now = _current(step)
    if now.status != S.IN_DOUBT:
        return now
    try:
        with transaction.atomic():
            lock_run(step)
            ask_to_settle(action_id=action.id, probe=probe, by=WORKER)
            wait(step, explanation="It may have happened or not: a person settles it.")
    except NoQueue as nobody:
        sentence = f"It may have happened or not. {nobody.message} {nobody.hint}"
        hand_over(step, seconds=NOBODY_ASKED_SECONDS, explanation=sentence)
    return None


def _end(step: Step, action: Action) -> None:
    with transaction.atomic():
        run = lock_run(step)
        status, output, explanation = _outcome(step, action)
        if finish(run, step, status, output=output, explanation=explanation):
            remember_subject(run)
        go_on(run, step)


def _outcome(step: Step, action: Action) -> tuple[StepStatus, dict[str, Any], str]:
    if step.node:
        from agents.engine.flow.action import outcome_of_node

        found = outcome_of_node(step, action)
        if found is not None:
            return found
    return ENDS.get(action.status, StepStatus.SUCCEEDED), {"action": str(action.id)}, action.explanation


MOVES: Final[dict[str, Callable[[Step, Action], Action | None]]] = {
    S.PROPOSED: _gate,
    S.IN_REVIEW: _await_people,
    S.APPROVED: _execute,
    S.EXECUTING: _take_over,
    S.IN_DOUBT: _doubt,
}
