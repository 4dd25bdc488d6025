"""Requests and actions that end without a decision: time ran out, or the run was cancelled."""

import logging
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import DateTimeField, DecimalField, Exists, OuterRef, Q, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from approvals.models import Request
from approvals.operations.opening import announce, open_request
from approvals.states import ExpiryDoes, RequestKind, RequestStatus
from tools.models import Action, Budget
from tools.signals import action_moved
from tools.states import ActionStatus
from workspaces.actors import Actor, System
from workspaces.database import ClockOnce, ClockTimestamp
from workspaces.transitions import transition

log = logging.getLogger(__name__)
SWEEP = System("sweep")
BATCH = 100
UNDECIDED = "Nobody decided in time."
SETTLED = Q(kind=RequestKind.SETTLE) & ~Q(action__status=ActionStatus.IN_DOUBT)


def expire_due() -> int:
    """End the requests whose time has run out, a hundred at most of each sort; return how many.

    Requests to settle an action that is in doubt no more (a late result was proof) are over too. One that cannot be
    ended is logged and keeps no other from its turn.
    """
    rows = Request.objects.open().values_list("id", "action_id")
    late = list(rows.filter(expires_at__lte=ClockOnce()).order_by("expires_at")[:BATCH])
    settled = list(rows.filter(SETTLED).order_by("expires_at")[:BATCH])
    due = dict.fromkeys([*late, *settled])  # apart, so that an index answers each
    return sum(_try_to_expire(request_id, action_id) for request_id, action_id in due)


def _try_to_expire(request_id: UUID, action_id: UUID | None) -> int:
    try:
        return _expire(request_id, action_id)
    except OperationalError:
        raise
    except Exception:  # one request that cannot be ended may not keep the others open
        log.exception("The request %s could not be ended", request_id)
        return 0


def _expire(request_id: UUID, action_id: UUID | None) -> int:
    with transaction.atomic():
        action = None
        if action_id is not None:
            action = Action.objects.select_for_update(no_key=True).get(pk=action_id)
        request = Request.objects.select_for_update().get(pk=request_id)
        if request.status != RequestStatus.OPEN:
            return 0
        if request.kind == RequestKind.SETTLE and action is not None:
            _renew_or_close(request, action)
        else:
            _close(request, RequestStatus.EXPIRED, UNDECIDED, SWEEP)
        if action is not None and action.status == ActionStatus.IN_REVIEW:
            rejects = request.on_expiry == ExpiryDoes.REJECT
            status = ActionStatus.REJECTED if rejects else ActionStatus.EXPIRED
            _end(action, status, UNDECIDED, SWEEP)
    return 1


def _renew_or_close(request: Request, action: Action) -> None:
    """Ask again: time settles nothing, and an action in doubt must not leave the inbox. Or end what is settled."""
    if action.status != ActionStatus.IN_DOUBT:
        _close(request, RequestStatus.CANCELLED, f"It was settled: {action.get_status_display().lower()}.", SWEEP)
        return
    _close(request, RequestStatus.EXPIRED, f"{UNDECIDED} It is asked again.", SWEEP)
    open_request(
        kind=RequestKind.SETTLE,
        workspace_id=request.workspace_id,
        queue_name=request.queue.name,
        run_id=request.run_id,
        agent_id=request.agent_id,
        action=action,
        title=request.title,
        reasons=request.reasons,
        evidence=request.evidence,
        causes=request.causes,
        by=SWEEP,
    )


def release_extended() -> int:
    """End the open requests about budgets that have room again: raised, begun anew, or taken away; return how many.

    Their runs go on by themselves, and ask again where it is still not enough.
    """
    rows = Request.objects.open().filter(kind=RequestKind.BUDGET, evidence__has_key="budget")
    asked = rows.annotate(
        budget=Cast(KT("evidence__budget__id"), UUIDField()),
        asked_limit=Cast(KT("evidence__budget__limit"), DecimalField(max_digits=18, decimal_places=6)),
        anew_at=Cast(KT("evidence__budget__begins_anew_at"), DateTimeField()),
    )
    stands = Budget.objects.filter(pk=OuterRef("budget"), limit__lte=OuterRef("asked_limit"), is_enabled=True)
    moved = asked.filter(Q(anew_at__lte=ClockTimestamp()) | ~Exists(stands)).order_by("opened_at")
    return sum(_release(request_id) for request_id in list(moved.values_list("id", flat=True)[:BATCH]))


def _release(request_id: UUID) -> int:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request_id)
        if request.status != RequestStatus.OPEN:
            return 0
        _close(request, RequestStatus.SUPERSEDED, "The budget has room again.", SWEEP)
    return 1


def cancel_action(*, action_id: UUID, explanation: str, by: Actor) -> None:
    """Cancel an action that has not begun, or its newest revision, with the open requests; what has begun is to end."""
    with transaction.atomic():
        action = Action.objects.select_for_update(no_key=True).get(pk=action_id)
        while action.status == ActionStatus.SUPERSEDED:  # by an edit, which made its revision in the same transaction
            action = Action.objects.select_for_update(no_key=True).get(revises=action)
        if action.status in {ActionStatus.PROPOSED, ActionStatus.IN_REVIEW, ActionStatus.APPROVED}:
            _end(action, ActionStatus.CANCELLED, explanation, by)


def cancel_request(*, request_id: UUID, explanation: str, by: Actor) -> None:
    """Close one open request that nobody needs an answer to any more."""
    with transaction.atomic():
        for request in Request.objects.open().select_for_update().filter(pk=request_id):
            _close(request, RequestStatus.CANCELLED, explanation, by)


def cancel_requests_of_run(*, run_id: UUID, explanation: str, by: Actor) -> None:
    """Close the open requests about a run itself (its budget), which has ended."""
    with transaction.atomic():
        for request in Request.objects.open().select_for_update().filter(run_id=run_id, action=None):
            _close(request, RequestStatus.CANCELLED, explanation, by)


def _close(request: Request, status: RequestStatus, explanation: str, by: Actor) -> None:
    transition(request, status, by=by, explanation=explanation, closed_at=timezone.now())
    announce(request)


def _end(action: Action, status: ActionStatus, explanation: str, by: Actor) -> None:
    transition(action, status, by=by, explanation=explanation, finished_at=timezone.now())
    for request in Request.objects.open().select_for_update().filter(action=action):
        _close(request, RequestStatus.CANCELLED, explanation, by)
    transaction.on_commit(lambda: action_moved.send(Action, action_id=action.id))
