"""The first door: executing a cleared action, at most once.

Two transactions and one call between them. The first records the intent: one UPDATE takes the action to ``executing``
only if the binding that was decided on is the binding of what is there now, the clearance has not run out, no pause
covers it and nobody else has it. The second records the outcome, fenced by the attempt. Whatever dies in between leaves
an action that is executing under a dead incarnation: that is *in doubt*, and is settled by proof or by a person.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tools.bindings import binding_of
from tools.connectors.base import ConnectorError, Done, Drifted, NotSent, Refused
from tools.errors import NotCleared, Paused, ToolUnavailable
from tools.models import Action, ActionAttempt
from tools.operations.targets import Call, call_of, pinned
from tools.ports import gate
from tools.states import ActionStatus, AttemptKind, AttemptOutcome
from workspaces.actors import Actor, System
from workspaces.canonical import sanitise
from workspaces.database import ClockTimestamp, release_connection
from workspaces.errors import StaleState
from workspaces.models import Pause, paused
from workspaces.transitions import transition

WORKER = System("worker")


@dataclass(frozen=True, slots=True)
class Effect:
    """How one attempt ended: the fate of the action, and what the outside system said."""

    outcome: AttemptOutcome
    status: ActionStatus
    sentence: str
    done: Done | None = None
    evidence: dict[str, Any] | None = None


def execute(*, action_id: UUID, incarnation: UUID, by: Actor = WORKER) -> Action:
    """Carry out a cleared action and return it with its outcome recorded.

    Raise :class:`NotCleared` where it must be gated again, :class:`Paused` where a pause covers it, and
    :class:`ToolUnavailable` where the tool cannot be reached: in all three nothing has been sent.
    """
    action = _intend(action_id, incarnation, by)
    call = call_of(action.tool)
    stopped = Pause.objects.over(action.scopes, repair=action.is_repair).exists()
    release_connection()
    effect = _paused_last() if stopped else _carry_out(call, action)
    return _conclude(action, effect, by)


def _intend(action_id: UUID, incarnation: UUID, by: Actor) -> Action:
    with transaction.atomic():
        action = Action.objects.select_related("tool__connection").get(pk=action_id)
        call_of(action.tool)
        _check_clearance(action)
        attempt = action.attempt + 1
        transition(
            action,
            ActionStatus.EXECUTING,
            by=by,
            where=Q(attempt=action.attempt, cleared_binding=action.cleared_binding)
            & Q(cleared_until__gt=ClockTimestamp())
            & (Q(execute_after=None) | Q(execute_after__lte=ClockTimestamp()))
            & ~Q(paused(repair=action.is_repair)),
            body={"attempt": attempt, "binding": action.cleared_binding},
            attempt=attempt,
            incarnation=incarnation,
        )
        ActionAttempt.objects.create(
            workspace_id=action.workspace_id,
            action=action,
            kind=AttemptKind.EXECUTE,
            number=attempt,
            incarnation=incarnation,
        )
    return action


def _check_clearance(action: Action) -> None:
    """Say in words what the claiming UPDATE would refuse."""
    if action.status != ActionStatus.APPROVED:
        raise StaleState(f"This action is {action.get_status_display().lower()}; only an approved one is executed.")
    if Pause.objects.over(action.scopes, repair=action.is_repair).exists():
        raise Paused("A pause covers this action.")
    if action.schema_digest != action.tool.schema_digest:
        raise NotCleared("The tool's schema has changed since the action was decided on.")
    policy = gate().policy_digest(action.workspace_id)
    if action.cleared_binding != binding_of(action, connection=action.tool.connection, policy_digest=policy):
        raise NotCleared("What the action was decided on is no longer what is there.")
    if action.cleared_until is None or action.cleared_until <= timezone.now():
        raise NotCleared("The clearance has run out.")
    if not gate().still_holds(action):
        raise NotCleared("Somebody who approved it no longer has the right to.")


def _paused_last() -> Effect:
    return Effect(
        AttemptOutcome.NOT_SENT, ActionStatus.APPROVED, "A pause was put in force just before: nothing was sent."
    )


def _carry_out(call: Call, action: Action) -> Effect:
    try:
        done = call.operation.execute(
            pinned(call.target), action.arguments, key=action.idempotency_key, before=action.before_image
        )
    except (NotSent, ToolUnavailable) as error:
        return Effect(AttemptOutcome.NOT_SENT, ActionStatus.APPROVED, error.message, evidence=_evidence(error))
    except Drifted as error:
        return Effect(AttemptOutcome.DRIFTED, ActionStatus.APPROVED, error.message, evidence=_evidence(error))
    except Refused as error:
        return Effect(AttemptOutcome.REFUSED, ActionStatus.FAILED, error.message, evidence=_evidence(error))
    except ConnectorError as error:
        return Effect(AttemptOutcome.UNKNOWN, ActionStatus.IN_DOUBT, error.message, evidence=_evidence(error))
    except Exception as error:
        sentence = f"The connector failed ({type(error).__name__}) after it may have sent something."
        return Effect(AttemptOutcome.UNKNOWN, ActionStatus.IN_DOUBT, sentence)
    return Effect(AttemptOutcome.DONE, ActionStatus.SUCCEEDED, "", done=done)


def _evidence(error: Exception) -> dict[str, Any]:
    return dict(error.evidence) if isinstance(error, ConnectorError) else {}


def _conclude(action: Action, effect: Effect, by: Actor) -> Action:
    """Record the outcome. If the action has been settled meanwhile, the attempt alone keeps what we learned."""
    with transaction.atomic():
        _finish_attempt(action, effect)
        try:
            transition(
                action,
                effect.status,
                by=by,
                where=Q(attempt=action.attempt, incarnation=action.incarnation),
                body={"attempt": action.attempt, "outcome": str(effect.outcome)},
                **_changes(action, effect),
            )
        except StaleState:
            _settle_late(action, effect, by)
    return action


def _settle_late(action: Action, effect: Effect, by: Actor) -> None:
    """A late result overrides nothing, but it is proof for an action that is in doubt (invariant 6)."""
    action.refresh_from_db()
    certain = effect.status in {ActionStatus.SUCCEEDED, ActionStatus.FAILED}
    if action.status == ActionStatus.IN_DOUBT and certain:
        transition(
            action,
            effect.status,
            by=by,
            body={"outcome": str(effect.outcome), "late": True},
            **_changes(action, effect),
        )


def _finish_attempt(action: Action, effect: Effect) -> None:
    evidence = effect.evidence if effect.done is None else {"result": effect.done.result}
    ActionAttempt.objects.filter(action=action, kind=AttemptKind.EXECUTE, number=action.attempt).update(
        outcome=effect.outcome,
        explanation=effect.sentence,
        evidence=sanitise(evidence or {}),
        finished_at=timezone.now(),
    )


def _changes(action: Action, effect: Effect) -> dict[str, Any]:
    if effect.done is None:
        finished = timezone.now() if effect.status == ActionStatus.FAILED else None
        return {"explanation": effect.sentence, "finished_at": finished}
    after = sanitise(effect.done.after)
    return {
        "explanation": "",
        "result": sanitise(effect.done.result),
        "after_image": after,
        "undo_plan": undo_plan(action, after),
        "finished_at": timezone.now(),
    }


def undo_plan(action: Action, after: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the concrete undo (tool and arguments) as it is at this moment; None where there is none."""
    arguments = call_of(action.tool).operation.undo(action.arguments, action.before_image, after)
    return None if arguments is None else {"tool": action.tool.name, "arguments": sanitise(arguments)}
