"""Who may decide: each ``check_`` raises the sentence that the person reads; ``can_`` catches it for buttons."""

from collections.abc import Iterable

from django.db.models import Q

from approvals.errors import MayNotDecide
from approvals.models import Decision, Request, ReviewQueue
from approvals.states import DecisionKind, RequestKind
from workspaces.access import role_in
from workspaces.models import Role, User


def check_can_decide(user: User, request: Request, kind: str | None = None) -> None:
    """Raise :class:`MayNotDecide` unless ``user`` may decide on ``request`` now."""
    if not ReviewQueue.objects.decidable_by(user).filter(pk=request.queue_id).exists():
        raise MayNotDecide(
            f"You may not decide on requests of the queue {request.queue.title}.",
            "Ask an owner of the workspace to add you to a team that may.",
        )
    own = {str(cause) for cause in request.causes}
    if not own.isdisjoint(user.cause_ids()):
        raise MayNotDecide(
            "You brought this about, so somebody else has to decide on it.",
            f"It waits in the queue {request.queue.title} for the others who may.",
        )
    decided = Decision.objects.filter(_about_the_same(request)).select_related("user")
    if not {person for decision in decided for person in decision.user.cause_ids()}.isdisjoint(user.cause_ids()):
        raise MayNotDecide(
            "You have decided on this already.", "It waits for somebody else's decision too: nobody counts twice."
        )
    if kind == DecisionKind.APPROVE:
        _check_may_extend(user, request)
    if kind == DecisionKind.EDIT and request.action is not None and request.action.is_repair:
        raise MayNotDecide(
            "An undo is carried out exactly as it was recorded, so it cannot be edited.", "Approve or reject it."
        )
    if kind == DecisionKind.EDIT and request.kind != RequestKind.ACTION:
        raise MayNotDecide("Only a proposed action can be edited.", "Approve, reject or respond instead.")


def _about_the_same(request: Request) -> Q:
    """Return the condition for decisions on ``request``, and on what asks other queues about the same action now."""
    same = Q(request=request)
    return same if request.verdict_id is None else same | Q(request__verdict_id=request.verdict_id)


def _check_may_extend(user: User, request: Request) -> None:
    """A budget that holds for more than one run is raised by owners alone; whoever decides here may stop the run."""
    budget = request.evidence.get("budget") if request.kind == RequestKind.BUDGET else None
    if budget and budget["owners_only"] and role_in(user, request.workspace_id) != Role.OWNER:
        raise MayNotDecide(
            f"Only an owner may extend the budget of {budget['name']}.",
            "Ask one: raised under Budgets, every run that waits for it goes on. You may stop this run.",
        )


def distinct_people(accounts: Iterable[User]) -> int:
    """Count the people behind ``accounts`` (invariant 12), each one once.

    Behind a service account stand its owner and everybody who made one of its keys, for they can speak through it.
    """
    counted: set[str] = set()
    number = 0
    for account in accounts:
        behind = set(account.cause_ids())
        number += counted.isdisjoint(behind)
        counted |= behind
    return number


def refusal(user: User, request: Request) -> str:
    """Return why ``user`` may not decide, as the sentence for a tooltip; empty where they may."""
    try:
        check_can_decide(user, request)
    except MayNotDecide as error:
        return error.message
    return ""
