"""Before-images and read-backs: what the world was before an action, and what it is after."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.ledger.recording import record
from tools.bindings import image_digest
from tools.models import Action
from tools.operations.observing import observe
from tools.operations.targets import operation_of
from tools.states import ActionStatus, AttemptKind
from workspaces.actors import Actor, actor_text
from workspaces.canonical import sanitise
from workspaces.salts import salted

NOT_BEGUN = frozenset({ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.APPROVED})


@dataclass(frozen=True, slots=True)
class Look:
    """What a look before the gate or before the effect found."""

    moved: bool
    problem: str = ""
    refused: bool = False


def look_before(*, action_id: UUID, by: Actor, incarnation: UUID | None = None) -> Look:
    """Read the before-image afresh and store it; ``moved`` says that an earlier one was different (drift)."""
    seen = observe(action_id=action_id, kind=AttemptKind.BEFORE, by=by, incarnation=incarnation)
    if seen.problem:
        return Look(moved=False, problem=seen.problem, refused=seen.refused)
    found = image_digest(seen.image)
    with transaction.atomic():
        action = Action.objects.select_for_update(of=("self",)).select_related("tool__connection").get(pk=action_id)
        moved = action.before_digest not in {"", found}
        if action.before_digest != found and action.status in NOT_BEGUN:
            _store(action, seen.image, found, by)
    return Look(moved=moved)


def _store(action: Action, image: dict[str, Any] | None, found: str, by: Actor) -> None:
    predicted = operation_of(action.tool).predict(action.arguments, image)
    Action.objects.filter(pk=action.pk).update(before_image=image, before_digest=found, predicted=sanitise(predicted))
    record(
        workspace_id=action.workspace_id,
        actor=actor_text(by),
        verb="action.before_image_stored",
        subject=("action", action.id),
        body={"before": _salted(action, found), "instead_of": _salted(action, action.before_digest or None)},
    )


def _salted(action: Action, digest: str | None) -> str | None:
    return None if digest is None else salted(action.workspace_id, action.run_id, digest)


def read_back(*, action_id: UUID, by: Actor, incarnation: UUID | None = None) -> str:
    """Read the state after a success from the system itself; return the sentence that goes on the record."""
    seen = observe(action_id=action_id, kind=AttemptKind.VERIFY, by=by, incarnation=incarnation)
    if seen.problem:
        return f"The result could not be read back: {seen.problem}"
    action = Action.objects.get(pk=action_id)
    if seen.image is not None:
        return _compare(action.after_image, seen.image)
    if action.before_image is None and action.after_image is None:
        return "This system offers nothing to read back."
    return "Read back: what was changed is not there any more."


def _compare(expected: dict[str, Any] | None, found: dict[str, Any]) -> str:
    if expected is None:
        return "Read back: the system was reached; what it was to show is not known."
    if expected == found:
        return "Read back: the system shows the expected state."
    names = sorted(key for key in {*expected, *found} if expected.get(key) != found.get(key))
    return f"Read back: the system shows something else in {', '.join(names)}."
