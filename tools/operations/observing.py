"""The second door: an action's read-only companions. Each observation is recorded as an attempt (invariant 1)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from audit.ledger.recording import record
from tools.connectors.base import ConnectorError, Done, Probe, Refused
from tools.environments import still_leads
from tools.errors import ToolUnavailable
from tools.models import Action, ActionAttempt
from tools.operations.targets import Call, call_for, pinned
from tools.ports import gate
from tools.states import AttemptKind, AttemptOutcome
from tools.tracing import traced_look
from workspaces.actors import Actor, actor_text
from workspaces.canonical import sanitise
from workspaces.database import release_connection
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

LEFT: Final = "after"
"""Under which name a probe's attempt keeps the state that the action has left."""
OBSERVING = frozenset({AttemptKind.BEFORE, AttemptKind.PREVIEW, AttemptKind.VERIFY, AttemptKind.PROBE})


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen: ``image`` for images, ``probe`` for probes, or the ``problem`` that kept us from seeing.

    ``refused`` says that the system (or the connector) said no: looking again would find the same.
    """

    attempt_id: UUID
    image: dict[str, Any] | None = None
    probe: Probe | None = None
    problem: str = ""
    refused: bool = False


def observe(*, action_id: UUID, kind: AttemptKind, by: Actor, incarnation: UUID | None = None) -> Observation:
    """Look at the outside world on behalf of an action, without changing it.

    Raise :class:`ToolUnavailable` where the tool cannot be reached at all or a policy forbids looking. An outside
    system that does not answer, or a connector that fails, is no error: the observation says so.
    """
    if kind not in OBSERVING:
        raise ValueError(f"{kind} is no observation.")
    action = Action.objects.select_related("tool__connection").get(pk=action_id)
    if action.cleared_by is None and not gate().may_observe(action):
        raise ToolUnavailable(
            "The policy, or a right that was taken away, forbids looking at the system before the action is approved."
        )
    call = call_for(action)
    attempt = _begin(action, call, kind, by, incarnation)
    release_connection()
    reached(Failpoint.LOOK_BEGUN)
    observation = _look(attempt.id, lambda: _ask(call, action, kind))
    reached(Failpoint.LOOK_TAKEN)
    _finish(attempt, observation)
    return observation


def _begin(action: Action, call: Call, kind: AttemptKind, by: Actor, incarnation: UUID | None) -> ActionAttempt:
    with transaction.atomic():
        if not Action.objects.filter(still_leads(action, call.connection), pk=action.pk).exists():
            raise ToolUnavailable("The tool leads somewhere else now, or not in this run's environment.")
        last = action.attempts.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0
        attempt = ActionAttempt.objects.create(
            workspace_id=action.workspace_id, action=action, kind=kind, number=last + 1, incarnation=incarnation
        )
        record(
            workspace_id=action.workspace_id,
            actor=actor_text(by),
            verb="action.observed",
            subject=("action", action.id),
            body={"attempt": str(attempt.id), "kind": str(kind)},
        )
    return attempt


@traced_look
def _ask(call: Call, action: Action, kind: AttemptKind) -> dict[str, Any] | Probe | None:
    target, arguments = pinned(call.target), action.arguments
    if kind == AttemptKind.PROBE:
        return call.operation.probe(target, arguments, key=action.idempotency_key, before=action.before_image)
    if kind == AttemptKind.VERIFY:
        return call.operation.verify(target, arguments, Done(action.result or {}, action.after_image))
    return call.operation.before(target, arguments)


def _look(attempt_id: UUID, ask: Callable[[], dict[str, Any] | Probe | None]) -> Observation:
    try:
        seen = ask()
    except ConnectorError as error:
        return Observation(attempt_id, problem=error.message, refused=isinstance(error, Refused))
    except ToolUnavailable as error:
        return Observation(attempt_id, problem=error.message)
    except Exception as error:
        log.exception("A connector failed while looking (attempt %s).", attempt_id)
        return Observation(attempt_id, problem=f"The connector failed ({type(error).__name__}).")
    if isinstance(seen, Probe):
        return Observation(attempt_id, probe=seen)
    return Observation(attempt_id, image=sanitise(seen))


def _finish(attempt: ActionAttempt, seen: Observation) -> None:
    failed = AttemptOutcome.REFUSED if seen.refused else AttemptOutcome.NOT_SENT
    attempt.outcome = failed if seen.problem else AttemptOutcome.DONE
    attempt.explanation = seen.problem or (seen.probe.sentence if seen.probe else "")
    if seen.probe is not None:
        left = {} if seen.probe.after is None else {LEFT: seen.probe.after}
        attempt.evidence = sanitise({"happened": seen.probe.happened, **seen.probe.evidence, **left})
    elif seen.image is not None:
        attempt.evidence = {"image": seen.image}
    attempt.finished_at = timezone.now()
    attempt.save(update_fields=["outcome", "explanation", "evidence", "finished_at"])
