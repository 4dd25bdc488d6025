"""Settling an action in doubt: by proof, or by a person. And what becomes of one whose worker died."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, Subquery
from django.utils import timezone

from tools.connectors.base import Probe
from tools.errors import ToolUnavailable
from tools.models import Action, ActionAttempt
from tools.operations.observing import LEFT, observe
from tools.operations.outcomes import undo_plan
from tools.operations.targets import is_builtin_tool
from tools.states import ActionStatus, AttemptKind, AttemptOutcome, Effect, Idempotency
from workspaces.actors import Actor
from workspaces.errors import StaleState
from workspaces.transitions import transition

NOT_DONE: Final = "The worker stopped before the outcome was recorded, so nothing was done. It is tried again."
NO_UNDO: Final = "What it left was not seen, so it has no undo."
MACHINE_TRIES: Final = 3
"""How often an action in doubt is carried out before a person is asked whether to try again."""


def lose(*, action_id: UUID, attempt: int, by: Actor) -> Action:
    """Put an executing action whose worker is proven dead in doubt; a built-in tool's is proven not done."""
    with transaction.atomic():
        action = Action.objects.select_related("tool__connection").get(pk=action_id)
        known = is_builtin_tool(action.tool)
        sentence = NOT_DONE if known else "The worker stopped in the middle: whether it happened is not known."
        transition(
            action,
            ActionStatus.APPROVED if known else ActionStatus.IN_DOUBT,
            by=by,
            where=Q(attempt=attempt),
            explanation=sentence,
            body={"attempt": attempt},
        )
        ActionAttempt.objects.filter(action=action, kind=AttemptKind.EXECUTE, number=attempt).update(
            outcome=AttemptOutcome.NOT_SENT if known else AttemptOutcome.UNKNOWN,
            explanation=sentence,
            finished_at=timezone.now(),
        )
    return action


def prove(*, action_id: UUID, by: Actor, incarnation: UUID | None = None) -> Probe:
    """Probe an action in doubt and settle it where the probe is proof and its class lets a machine do so.

    Only ``enforced`` and ``conditional`` tools are settled here (invariant 5); for the others, and for a probe that
    does not know, the probe is returned as evidence for a person. So is one that finds nothing after several tries: a
    system that keeps a failure under our key would be asked for ever.
    """
    action = Action.objects.select_related("tool__connection").get(pk=action_id)
    try:
        seen = observe(action_id=action_id, kind=AttemptKind.PROBE, by=by, incarnation=incarnation)
    except ToolUnavailable as error:
        return Probe(None, error.message)
    probe = seen.probe or Probe(None, f"The system could not be asked: {seen.problem}")
    machine_may = action.tool.idempotency in {Idempotency.ENFORCED, Idempotency.CONDITIONAL}
    if probe.happened is None or not machine_may or (not probe.happened and action.attempt >= MACHINE_TRIES):
        return probe
    try:
        settle(
            action_id=action_id,
            happened=probe.happened,
            sentence=probe.sentence,
            retry=True,
            by=by,
            attempt=action.attempt,
        )
    except StaleState:
        return Probe(None, "It was settled, or tried again, while the system was asked.", probe.evidence)
    return probe


def settle(
    *, action_id: UUID, happened: bool, sentence: str, retry: bool, by: Actor, attempt: int | None = None
) -> Action:
    """End the doubt: it happened; or it did not, and is tried again under the same key, or given up.

    Where it happened, its undo is planned anew from the state that the last probe saw, and there is none where no probe
    saw it. ``attempt`` fences what was found out: it says nothing of a later attempt. Raise ``StaleState`` where the
    action is not in doubt (any more). A repeated try runs under the same clearance; one that has run out is gated again
    first.
    """
    with transaction.atomic():
        action = Action.objects.select_for_update(of=("self",)).select_related("tool__connection").get(pk=action_id)
        if action.status != ActionStatus.IN_DOUBT or attempt not in {None, action.attempt}:
            raise StaleState(f"This action is {action.get_status_display().lower()}: there is no such doubt to settle.")
        if happened:
            _happened(action, sentence, by)
        elif retry:
            transition(action, ActionStatus.APPROVED, by=by, explanation=sentence, body={"settled": "retry"})
        else:
            transition(
                action,
                ActionStatus.FAILED,
                by=by,
                explanation=sentence,
                finished_at=timezone.now(),
                body={"settled": "given up"},
            )
    return action


def _happened(action: Action, sentence: str, by: Actor) -> None:
    after = _left(action)
    unseen = after is None and action.effect == Effect.REVERSIBLE
    transition(
        action,
        ActionStatus.SUCCEEDED,
        by=by,
        explanation=f"{sentence} {NO_UNDO}".strip() if unseen else sentence,
        after_image=after,
        undo_plan=undo_plan(action, after) if after is not None else None,
        finished_at=timezone.now(),
        body={"settled": "happened"},
    )


def _left(action: Action) -> dict[str, Any] | None:
    """Return the state that the last probe since the attempt in doubt has seen it leave; None where it saw none."""
    tries = action.attempts.filter(kind=AttemptKind.EXECUTE, number=action.attempt).values("started_at")[:1]
    probes = action.attempts.filter(kind=AttemptKind.PROBE, started_at__gte=Subquery(tries))
    last = probes.order_by("-number").first()
    return None if last is None else last.evidence.get(LEFT)
