"""Requests and actions that end without a decision: time ran out, or the run was cancelled."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from approvals.models import Request
from approvals.operations.opening import announce
from approvals.states import ExpiryDoes, RequestStatus
from tools.models import Action
from tools.signals import action_moved
from tools.states import ActionStatus
from workspaces.actors import Actor, System
from workspaces.database import ClockTimestamp
from workspaces.transitions import transition

SWEEP = System("sweep")
BATCH = 100


def expire_due() -> int:
    """End the requests whose time has run out, a hundred at most; return how many."""
    due = list(Request.objects.open().filter(expires_at__lte=ClockTimestamp()).values_list("id", "action_id")[:BATCH])
    return sum(_expire(request_id, action_id) for request_id, action_id in due)


def _expire(request_id: UUID, action_id: UUID | None) -> int:
    with transaction.atomic():
        action = None
        if action_id is not None:
            action = Action.objects.select_for_update(no_key=True).get(pk=action_id)
        request = Request.objects.select_for_update().get(pk=request_id)
        if request.status != RequestStatus.OPEN:
            return 0
        explanation = "Nobody decided in time."
        transition(request, RequestStatus.EXPIRED, by=SWEEP, explanation=explanation, closed_at=timezone.now())
        if action is not None and action.status == ActionStatus.IN_REVIEW:
            rejects = request.on_expiry == ExpiryDoes.REJECT
            status = ActionStatus.REJECTED if rejects else ActionStatus.EXPIRED
            _end(action, status, explanation, SWEEP)
        announce(request)
    return 1


def cancel_action(*, action_id: UUID, explanation: str, by: Actor) -> None:
    """Cancel an action that has not begun, with its open requests; one that has begun is left to end."""
    with transaction.atomic():
        action = Action.objects.select_for_update(no_key=True).get(pk=action_id)
        if action.status in {ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.APPROVED}:
            _end(action, ActionStatus.CANCELLED, explanation, by)


def cancel_requests_of_run(*, run_id: UUID, explanation: str, by: Actor) -> None:
    """Close the open requests about a run itself (its budget), which has ended."""
    with transaction.atomic():
        for request in Request.objects.open().select_for_update().filter(run_id=run_id, action=None):
            transition(request, RequestStatus.CANCELLED, by=by, explanation=explanation, closed_at=timezone.now())
            announce(request)


def _end(action: Action, status: ActionStatus, explanation: str, by: Actor) -> None:
    transition(action, status, by=by, explanation=explanation, finished_at=timezone.now())
    for request in Request.objects.open().select_for_update().filter(action=action):
        transition(request, RequestStatus.CANCELLED, by=by, explanation=explanation, closed_at=timezone.now())
        announce(request)
    transaction.on_commit(lambda: action_moved.send(Action, action_id=action.id))
