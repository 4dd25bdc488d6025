"""Before-images and read-backs: what the world was before an action, and what it is after."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from tools.bindings import image_digest
from tools.models import Action
from tools.operations.observing import observe
from tools.operations.targets import call_of
from tools.states import ActionStatus, AttemptKind
from workspaces.actors import Actor


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
        action = Action.objects.select_related("tool__connection").get(pk=action_id)
        moved = action.before_digest not in {"", found}
        predicted = call_of(action.tool).operation.predict(action.arguments, seen.image)
        Action.objects.filter(
            Q(pk=action_id), ~Q(status__in=[ActionStatus.EXECUTING, ActionStatus.IN_DOUBT, ActionStatus.SUCCEEDED])
        ).update(before_image=seen.image, before_digest=found, predicted=predicted)
    return Look(moved=moved)


def read_back(*, action_id: UUID, by: Actor, incarnation: UUID | None = None) -> str:
    """Read the state after a success from the system itself; return the sentence that goes on the record."""
    seen = observe(action_id=action_id, kind=AttemptKind.VERIFY, by=by, incarnation=incarnation)
    if seen.problem:
        return f"The result could not be read back: {seen.problem}"
    action = Action.objects.get(pk=action_id)
    if seen.image is None:
        return "This system offers nothing to read back."
    return _compare(action.after_image, seen.image)


def _compare(expected: dict[str, Any] | None, found: dict[str, Any]) -> str:
    if expected is None or expected == found:
        return "Read back: the system shows the expected state."
    names = sorted(key for key in {*expected, *found} if expected.get(key) != found.get(key))
    return f"Read back: the system shows something else in {', '.join(names)}."
