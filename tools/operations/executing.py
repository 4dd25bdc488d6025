"""The first door: executing a cleared action, at most once.

Two transactions and one call between them. The first records the intent: one UPDATE takes the action to ``executing``
only if the binding that was decided on is the binding of what is there now, the clearance has not run out, no pause
covers it and nobody else has it. The second records the outcome, fenced by the attempt. Whatever dies in between leaves
an action that is executing under a dead incarnation: that is *in doubt*, and is settled by proof or by a person.
"""

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit.ledger.recording import record
from tools.bindings import binding_of
from tools.connectors.base import ConnectorError, Done, Drifted, NotSent, Operation, Refused, Target
from tools.environments import still_leads
from tools.errors import NotCleared, Paused, ToolUnavailable
from tools.models import Action, ActionAttempt, Connection, Tool
from tools.operations.endings import Ending
from tools.operations.outcomes import changes_of, finish_attempt
from tools.operations.targets import Call, call_for, is_builtin_tool, pinned
from tools.ports import gate
from tools.states import ActionStatus, AttemptKind, AttemptOutcome, Effect
from tools.tracing import traced_execution
from workspaces.actors import Actor, System, actor_text
from workspaces.canonical import sanitise
from workspaces.database import ClockTimestamp, release_connection
from workspaces.errors import StaleState
from workspaces.failpoints import Failpoint, reached
from workspaces.models import Pause, paused
from workspaces.salts import salted
from workspaces.transitions import transition

log = logging.getLogger(__name__)

WORKER = System("worker")


def execute(*, action_id: UUID, incarnation: UUID, by: Actor = WORKER) -> Action:
    """Carry out a cleared action and return it with its outcome recorded.

    Raise :class:`NotCleared` where it must be gated again, :class:`Paused` where a pause covers it, and
    :class:`ToolUnavailable` where the tool cannot be reached: in all three nothing has been sent.
    """
    action, call = _intend(action_id, incarnation, by)
    reached(Failpoint.ACTION_INTENDED)
    if is_own_write(action):
        return _carry_out_here(action, call, by)
    release_connection()
    target = _aim(call)  # this asks the name service, which takes its time: all that may stop it is looked at after it
    known = _told_before(action) or _told_to_stop(action)
    release_connection()
    ending = known or _carry_out(call.operation, target, action)
    reached(Failpoint.ACTION_EFFECTED)
    concluded = _conclude(action, ending, by)
    reached(Failpoint.ACTION_CONCLUDED)
    return concluded


def is_own_write(action: Action) -> bool:
    """Say whether it changes them: then the change and its outcome are one transaction."""
    return is_builtin_tool(action.tool) and action.effect != Effect.READ


def _carry_out_here(action: Action, call: Call, by: Actor) -> Action:
    with transaction.atomic():
        Action.objects.select_for_update(no_key=True).get(pk=action.pk)  # so that what is found below stays so
        stopped = _told_to_stop(action)
        concluded = _conclude(action, stopped or _within(call, action), by)
    reached(Failpoint.ACTION_CONCLUDED)
    return concluded


def _within(call: Call, action: Action) -> Ending:
    """Return how it ended: either it was done, or the savepoint has taken everything back, and nothing is in doubt."""
    with transaction.atomic():
        ending: Ending = _carry_out(call.operation, call.target, action)
        if ending.done is None:
            transaction.set_rollback(True)
    if ending.status == ActionStatus.IN_DOUBT:
        return Ending(AttemptOutcome.REFUSED, ActionStatus.FAILED, f"{ending.sentence} Nothing of it was kept.")
    return ending


def _intend(action_id: UUID, incarnation: UUID, by: Actor) -> tuple[Action, Call]:
    with transaction.atomic():
        # Locked first, so that the claim's UPDATE never waits: one that has waited judges other tables as they were.
        rows = Action.objects.select_for_update(of=("self",), no_key=True)
        action = rows.select_related("tool__connection").get(pk=action_id)
        if action.status != ActionStatus.APPROVED:
            raise StaleState(f"This action is {action.get_status_display().lower()}; only an approved one is executed.")
        call = call_for(action)
        _check_clearance(action, call.connection)
        _claim(action, call.connection, incarnation, by)
        ActionAttempt.objects.create(
            workspace_id=action.workspace_id,
            action=action,
            kind=AttemptKind.EXECUTE,
            number=action.attempt,
            incarnation=incarnation,
        )
    return action, call


def _claim(action: Action, connection: Connection, incarnation: UUID, by: Actor) -> None:
    attempt = action.attempt + 1
    try:
        transition(
            action,
            ActionStatus.EXECUTING,
            by=by,
            where=_as_read(action, connection)
            & gate().standing(action)
            & Q(cleared_until__gt=ClockTimestamp())
            & (Q(execute_after=None) | Q(execute_after__lte=ClockTimestamp()))
            & ~Q(paused(repair=action.is_repair)),
            body={
                "attempt": attempt,
                "binding": salted(action.workspace_id, action.run_id, action.cleared_binding),
            },
            attempt=attempt,
            incarnation=incarnation,
        )
    except StaleState:
        if _is_paused(action):
            raise Paused("A pause covers this action.") from None
        if not Action.objects.filter(pk=action.pk, cleared_until__gt=ClockTimestamp()).exists():
            raise NotCleared("The clearance has run out.") from None
        raise


def _as_read(action: Action, connection: Connection) -> Q:
    """Return the condition that nothing of what was just compared with the binding has moved since it was read.

    And that the tool leads through this connection still, which is of the action's environment; and no simulation.
    """
    tool = Tool.objects.filter(pk=OuterRef("tool_id"), updated_at=action.tool.updated_at, is_enabled=True)
    opened = Connection.objects.usable().filter(pk=connection.id, version=connection.version)
    return (
        still_leads(action, connection)
        & Q(Exists(tool), Exists(opened), is_simulated=False)
        & Q(attempt=action.attempt, cleared_binding=action.cleared_binding, before_digest=action.before_digest)
    )


def _is_paused(action: Action) -> bool:
    return Pause.objects.over(action.scopes, repair=action.is_repair).exists()


def _check_clearance(action: Action, connection: Connection) -> None:
    """Compare what was decided on with what is there now."""
    policy = gate().policy_digest(action.workspace_id)
    if action.cleared_binding != binding_of(action, connection=connection, policy_digest=policy):
        raise NotCleared("What the action was decided on is no longer what is there.")
    if not gate().still_holds(action):
        raise NotCleared("Somebody who started or approved it no longer has the right to.")


def _told_to_stop(action: Action) -> Ending | None:
    """Send nothing under a pause, nor where this worker was taken for dead since its intent: then others have begun to
    find out what it did."""
    own = Action.objects.filter(pk=action.pk, status=ActionStatus.EXECUTING, attempt=action.attempt)
    stopped = own.values_list(paused(repair=action.is_repair)).first()
    if stopped is None:
        sentence = "Its worker was taken for dead before it had sent anything: nothing was sent."
    elif stopped[0]:
        sentence = "A pause was put in force just before: nothing was sent."
    else:
        return None
    return Ending(AttemptOutcome.NOT_SENT, ActionStatus.APPROVED, sentence)


def _told_before(action: Action) -> Ending | None:
    """Return the success that an earlier attempt reported too late: knowing of it, nothing is sent again."""
    if action.attempt == 1:
        return None
    late = action.attempts.filter(kind=AttemptKind.EXECUTE, outcome=AttemptOutcome.DONE).first()
    if late is None:
        return None
    sentence = f"Attempt {late.number} had been carried out after all: nothing was sent again."
    done = Done(late.evidence.get("result") or {}, late.evidence.get("after"))
    return Ending(AttemptOutcome.NOT_SENT, ActionStatus.SUCCEEDED, sentence, done=done)


def _aim(call: Call) -> Target | Ending:
    """Return the checked and pinned target, or the attempt's end where it may not be reached."""
    try:
        return pinned(call.target)
    except ToolUnavailable as error:
        return Ending(AttemptOutcome.NOT_SENT, ActionStatus.APPROVED, error.message)


@traced_execution
def _carry_out(operation: Operation, target: Target | Ending, action: Action) -> Ending:
    if isinstance(target, Ending):
        return target
    try:
        done = operation.execute(target, action.arguments, key=action.idempotency_key, before=action.before_image)
    except NotSent as error:
        return Ending(AttemptOutcome.NOT_SENT, ActionStatus.APPROVED, error.message, evidence=error.evidence)
    except Drifted as error:
        return Ending(AttemptOutcome.DRIFTED, ActionStatus.APPROVED, error.message, evidence=error.evidence)
    except Refused as error:
        return Ending(AttemptOutcome.REFUSED, ActionStatus.FAILED, error.message, evidence=error.evidence)
    except ConnectorError as error:
        return Ending(AttemptOutcome.UNKNOWN, ActionStatus.IN_DOUBT, error.message, evidence=error.evidence)
    except Exception as error:
        log.exception("A connector failed while it carried out action %s.", action.id)
        sentence = f"The connector failed ({type(error).__name__}) after it may have sent something."
        return Ending(AttemptOutcome.UNKNOWN, ActionStatus.IN_DOUBT, sentence)
    return Ending(AttemptOutcome.DONE, ActionStatus.SUCCEEDED, "", done=done)


def _conclude(action: Action, ending: Ending, by: Actor) -> Action:
    """Record the outcome. If the action has been settled meanwhile, the attempt alone keeps what we learned.

    The action's row is written before the attempt's, as by whoever takes it over: else both would wait for each other.
    """
    own = action.attempt
    with transaction.atomic():
        try:
            transition(
                action,
                ending.status,
                by=by,
                where=Q(attempt=action.attempt, incarnation=action.incarnation),
                body={"attempt": action.attempt, "outcome": str(ending.outcome)},
                **changes_of(action, ending),
            )
        except StaleState:
            _settle_late(action, ending, by)
        finish_attempt(action, own, ending)
    if ending.done is not None and action.status == ActionStatus.SUCCEEDED:
        action.result = sanitise(ending.done.result)  # as it is read
    return action


def _settle_late(action: Action, ending: Ending, by: Actor) -> None:
    """A late result overrides nothing, but it is proof for an action that is in doubt (invariant 6).

    That it happened is proof whatever came after; that it was refused, or never sent, says nothing of any attempt but
    its own.
    """
    own = action.attempt
    action.refresh_from_db(from_queryset=Action.objects.select_for_update(no_key=True))  # a person may settle it now
    not_done = ending.status in {ActionStatus.FAILED, ActionStatus.APPROVED} and action.attempt == own
    if action.status == ActionStatus.IN_DOUBT and (not_done or ending.status == ActionStatus.SUCCEEDED):
        transition(
            action,
            ending.status,
            by=by,
            body={"outcome": str(ending.outcome), "late": True},
            **changes_of(action, ending),
        )
    else:
        _note_late(action, own, ending, by)


def _note_late(action: Action, attempt: int, ending: Ending, by: Actor) -> None:
    """Put a result that changes nothing any more on record, and where people can see it if it says "it happened"."""
    record(
        workspace_id=action.workspace_id,
        actor=actor_text(by),
        verb="action.reported_late",
        subject=("action", action.id),
        body={"attempt": attempt, "outcome": str(ending.outcome), "status": action.status},
    )
    if ending.status == ActionStatus.SUCCEEDED and action.status == ActionStatus.FAILED:
        sentence = f"Attempt {attempt} reported afterwards that it had been carried out after all."
        explanation = f"{action.explanation} {sentence}".strip()
        Action.objects.filter(pk=action.pk, status=ActionStatus.FAILED).update(explanation=explanation)
        action.explanation = explanation
