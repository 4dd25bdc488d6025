"""What stands around a request in the rows: people's names, siblings, the original, the successor, the cost so far.

Each is one statement, whatever the number of rows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from approvals.models import Decision, Request
from approvals.states import RequestKind, RequestStatus
from tools.models import Action, ActionAttempt, UsageRecord
from workspaces.models import User

MAX_ATTEMPTS = 100
PERSON = re.compile(r"person:([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The rows that belong to one request, as far as ``user`` may see them."""

    request: Request
    people: dict[str, str] = field(default_factory=dict)
    siblings: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: list[ActionAttempt] = field(default_factory=list)
    edit: Decision | None = None
    successor: Request | None = None
    revision: Action | None = None
    doubt: Request | None = None
    cost: Decimal | None = None


def surroundings(request: Request, user: User) -> Surroundings:
    """Read what belongs to ``request``; links lead only to requests that ``user`` may see."""
    action = request.action
    return Surroundings(
        request=request,
        people=_names(request),
        siblings=_siblings(request, user),
        attempts=list(action.attempts.order_by("started_at")[:MAX_ATTEMPTS]) if action else [],
        edit=_edit(action),
        successor=_successor(request, user),
        revision=_revision(request),
        doubt=_doubt(request, user),
        cost=_cost(request),
    )


def _names(request: Request) -> dict[str, str]:
    """Return the names of the people whom the evidence names by id."""
    ids = set(_mentioned(request.evidence))
    found = User.objects.filter(pk__in=ids, memberships__workspace_id=request.workspace_id) if ids else ()
    return {str(person.id): str(person) for person in found}


def _mentioned(evidence: dict[str, Any]) -> Iterable[str]:
    started_by = (evidence.get("ticket") or {}).get("started_by")
    if started_by:
        yield started_by
    for leaf in evidence.get("provenance") or []:
        for label in leaf["sources"]:
            if named := PERSON.fullmatch(label):
                yield named.group(1)


def _siblings(request: Request, user: User) -> dict[str, tuple[str, str]]:
    """Return each sibling action's status now, and the id of the request about it where there is one to see."""
    ids = [one["action"] for one in request.evidence.get("siblings") or []]
    if not ids:
        return {}
    now = Action.objects.filter(pk__in=ids, workspace_id=request.workspace_id).values_list("id", "status")
    asked = Request.objects.visible_to(user).filter(action_id__in=ids).order_by("opened_at")
    pages = {action_id: str(request_id) for action_id, request_id in asked.values_list("action_id", "id")}
    return {str(action_id): (status, pages.get(action_id, "")) for action_id, status in now}


def _edit(action: Action | None) -> Decision | None:
    """Return the decision that made this action out of another one."""
    if action is None or action.revises_id is None:
        return None
    return Decision.objects.filter(revision=action).select_related("user").first()


def _successor(request: Request, user: User) -> Request | None:
    """Return the request that has taken this one's place, where ``user`` may see it."""
    if request.status != RequestStatus.SUPERSEDED or request.action_id is None:
        return None
    later = Q(action_id=request.action_id, opened_at__gt=request.opened_at) | Q(action__revises_id=request.action_id)
    found = Request.objects.visible_to(user).filter(later, workspace_id=request.workspace_id).defer("evidence")
    return found.order_by("-opened_at").first()


def _revision(request: Request) -> Action | None:
    """Return the action that an edit put in the place of this request's."""
    if request.status != RequestStatus.SUPERSEDED or request.action_id is None:
        return None
    return Action.objects.filter(revises_id=request.action_id, workspace_id=request.workspace_id).first()


def _doubt(request: Request, user: User) -> Request | None:
    """Return the request to settle the action that this one approved, where ``user`` may see it."""
    if request.kind != RequestKind.ACTION or request.status != RequestStatus.APPROVED or request.action_id is None:
        return None
    asked = Request.objects.visible_to(user).filter(action_id=request.action_id, kind=RequestKind.SETTLE)
    return asked.filter(workspace_id=request.workspace_id).defer("evidence").order_by("-opened_at").first()


def _cost(request: Request) -> Decimal | None:
    """Return what the run's model calls have cost so far, in US dollars; None where a price is unknown."""
    spent = UsageRecord.objects.filter(run_id=request.run_id).aggregate(
        total=Sum("cost"), unknown=Count("id", filter=Q(cost=None))
    )
    return None if spent["unknown"] else spent["total"] or Decimal(0)
