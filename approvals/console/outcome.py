"""How a request ended, and what has become of its action since: sentences from rows, and the way to what came next."""

from typing import Final

from approvals.console.surroundings import Surroundings
from approvals.models import Decision, Request
from approvals.states import DecisionKind, RequestKind, RequestStatus
from tools.states import ActionStatus
from workspaces.console.links import action_url, request_url
from workspaces.console.shapes import Outcome

BECAME: Final = {
    ActionStatus.APPROVED: "It is carried out as soon as a worker gets to it and nothing that covers it is paused.",
    ActionStatus.EXECUTING: "It is being carried out now.",
    ActionStatus.SUCCEEDED: "It was carried out.",
    ActionStatus.FAILED: "It was tried, and failed.",
    ActionStatus.IN_DOUBT: "It was tried, and nobody knows whether it happened.",
    ActionStatus.EXPIRED: "It was not carried out in time, so nothing happened.",
    ActionStatus.CANCELLED: "It was cancelled before it was carried out.",
}
SAID: Final = {
    DecisionKind.APPROVE: "Approved",
    DecisionKind.EDIT: "Edited",
    DecisionKind.REJECT: "Rejected",
    DecisionKind.RESPOND: "Answered",
}


def outcome(around: Surroundings) -> Outcome | None:
    """Return how the request ended; None while it is open."""
    request = around.request
    if request.status == RequestStatus.OPEN:
        return None
    decisions = list(request.decisions.all())
    url, label = _onward(around)
    return Outcome(
        value=request.status,
        title=_title(request, decisions),
        at=decisions[-1].at if decisions and request.status != RequestStatus.SUPERSEDED else request.closed_at,
        reason=decisions[-1].reason if decisions else "",
        then=_then(around, decisions),
        action=request.action.status if request.action and request.status == RequestStatus.APPROVED else "",
        url=url,
        label=label,
    )


def _title(request: Request, decisions: list[Decision]) -> str:
    """Say who ended it and how; where nobody did, what did."""
    if not decisions or (request.status == RequestStatus.SUPERSEDED and decisions[-1].kind != DecisionKind.EDIT):
        return str(request.get_status_display())
    last = decisions[-1]
    if last.settlement:
        return f"Settled by {last.user}: {last.get_settlement_display()}"
    if request.kind == RequestKind.BUDGET:
        return f"{'Extended' if last.kind == DecisionKind.APPROVE else 'Stopped'} by {last.user}"
    people = [str(one.user) for one in decisions if one.kind == last.kind]
    return f"{SAID[DecisionKind(last.kind)]} by {' and '.join(people)}"


def _then(around: Surroundings, decisions: list[Decision]) -> str:
    """Say what has become of the action, or why the request ended without a decision."""
    request, action = around.request, around.request.action
    if decisions and decisions[-1].kind == DecisionKind.EDIT:
        return _of_the_revision(around)
    if request.status == RequestStatus.SUPERSEDED:
        before = f" {decisions[-1].user} had approved it; nothing was carried out." if decisions else ""
        return f"{request.explanation}{before}"
    if request.status in {RequestStatus.REJECTED, RequestStatus.ANSWERED} and decisions:
        return "" if action is None else "It is not carried out; the agent is told why."
    if request.status != RequestStatus.APPROVED or action is None:
        return request.explanation
    became = BECAME.get(ActionStatus(action.status), "")
    return f"{became} {action.explanation}".strip() if action.is_terminal else became


def _of_the_revision(around: Surroundings) -> str:
    revision = around.revision
    if revision is None or around.successor is not None:
        return "The edited version is a new action; people are asked about it."
    if revision.status == ActionStatus.PROPOSED:
        return "The edited version is a new action; the rules are checked for it now."
    if revision.status == ActionStatus.DENIED:
        return f"The rules do not allow the edited version. {revision.explanation}".strip()
    return f"The rules allow the edited version without asking anybody. {BECAME.get(ActionStatus(revision.status), '')}"


def _onward(around: Surroundings) -> tuple[str, str]:
    """Return the way to what took the request's place or followed from it, and what to call it."""
    request = around.request
    if around.successor is not None:
        return request_url(around.successor.id), "See the request that took its place"
    if around.revision is not None:
        return action_url(request.run_id, around.revision.id), "See what became of the edited version"
    if request.status == RequestStatus.SUPERSEDED and request.action_id:
        return action_url(request.run_id, request.action_id), "See what became of it"
    if around.doubt is not None:
        return request_url(around.doubt.id), "See the request to settle it"
    return "", ""
