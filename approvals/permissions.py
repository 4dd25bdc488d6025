"""Who may decide: each ``check_`` raises the sentence that the person reads; ``can_`` catches it for buttons.

What is known of people is read for all of them at once, so that "who may decide this?" and "may I?" are one question.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from approvals.errors import AlreadyDecided, MayNotDecide
from approvals.models import Decision, Request, ReviewQueue
from approvals.states import DecisionKind, RequestKind, RequestStatus
from workspaces.access import owners_among
from workspaces.models import User

CLOSES: Final = {
    DecisionKind.APPROVE: RequestStatus.APPROVED,
    DecisionKind.REJECT: RequestStatus.REJECTED,
    DecisionKind.RESPOND: RequestStatus.ANSWERED,
    DecisionKind.EDIT: RequestStatus.SUPERSEDED,
}
"""The status of a request that a decision of this kind has closed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not decide: what they read themselves, and what others read about them."""

    code: str
    message: str
    hint: str
    about: str


class Standings:
    """What is known of ``users`` with regard to one request, in a fixed number of statements however many they are."""

    def __init__(self, request: Request, users: Iterable[User]) -> None:
        self.request = request
        ids = [user.id for user in users]
        self._holders = set(ReviewQueue.deciders(request.queue_id, request.workspace_id, among=ids))
        self._owners = owners_among(request.workspace_id, ids) if self._budget else frozenset()
        decided = Decision.objects.filter(_about_the_same(request)).select_related("user")
        self._decided = {
            person for one in decided.prefetch_related("user__api_keys") for person in one.user.cause_ids()
        }

    @property
    def _budget(self) -> dict[str, str] | None:
        """The budget that only owners may extend, where the request is about one."""
        found = self.request.evidence.get("budget") if self.request.kind == RequestKind.BUDGET else None
        return found if found and found["owners_only"] else None

    def refusal(self, user: User, kind: str | None = None) -> Refusal | None:
        """Return why ``user``, one of those asked about, may not decide so; None where they may."""
        own = {str(cause) for cause in self.request.causes}
        people = user.cause_ids()
        if user.id not in self._holders:
            return self._without_right(user)
        if not own.isdisjoint(people):
            return Refusal(
                "caused",
                "You brought this about, so somebody else has to decide on it.",
                f"It waits in the queue {self.request.queue.title} for the others who may.",
                "Brought this about, alone or through somebody who answers for them.",
            )
        if not self._decided.isdisjoint(people):
            return Refusal(
                "decided",
                "You have decided on this already.",
                "It waits for somebody else's decision too: nobody counts twice.",
                "Has decided on this already.",
            )
        return self._against_kind(user, kind)

    def _without_right(self, user: User) -> Refusal:
        title = self.request.queue.title
        return Refusal(
            "lacks_right" if user.is_active else "disabled",
            f"You may not decide on requests of the queue {title}.",
            "Ask an owner of the workspace to add you to a team that may.",
            f"Is in no team that may decide in the queue {title}." if user.is_active else "Is disabled.",
        )

    def _against_kind(self, user: User, kind: str | None) -> Refusal | None:
        """A budget that holds for more than one run is raised by owners alone; whoever decides may stop the run."""
        if kind == DecisionKind.APPROVE and self._budget and user.id not in self._owners:
            name = self._budget["name"]
            return Refusal(
                "owners_only",
                f"Only an owner may extend the budget of {name}.",
                "Ask one: raised under Budgets, every run that waits for it goes on. You may stop this run.",
                f"May stop the run; only an owner may extend the budget of {name}.",
            )
        action = self.request.action
        if kind == DecisionKind.EDIT and action is not None and action.is_repair:
            said = "An undo is carried out exactly as it was recorded, so it cannot be edited."
            return Refusal("not_editable", said, "Approve or reject it.", said)
        if kind == DecisionKind.EDIT and self.request.kind != RequestKind.ACTION:
            said = "Only a proposed action can be edited."
            return Refusal("not_editable", said, "Approve, reject or respond instead.", said)
        return None


def check_can_decide(user: User, request: Request, kind: str | None = None) -> None:
    """Raise :class:`MayNotDecide` unless ``user`` may decide on ``request`` now."""
    found = Standings(request, [user]).refusal(user, kind)
    if found is not None:
        raise MayNotDecide(found.message, found.hint)


def check_is_open(request: Request, *, is_late: bool) -> None:
    """Raise :class:`AlreadyDecided`, with who it was and when, unless the request waits for an answer."""
    if request.status == RequestStatus.OPEN:
        if is_late:
            raise AlreadyDecided("The time for this request has run out.")
        return
    last = request.decisions.select_related("user").order_by("-at").first()
    if last is None or request.status != CLOSES[DecisionKind(last.kind)]:
        raise AlreadyDecided(f"This request is {request.get_status_display().lower()}: {request.explanation}")
    when = last.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    raise AlreadyDecided(f"{last.user} decided on this already ({last.get_kind_display().lower()}, {when}).")


@dataclass(frozen=True, slots=True)
class Decider:
    """What one person may do about one request now; ``why_not`` is a sentence about them."""

    user: User
    may_decide: bool
    may_approve: bool
    code: str = ""
    why_not: str = ""


def candidates(request: Request) -> QuerySet[User]:
    """Return everybody of the teams with a right on the request's queue, and the owners; disabled people too."""
    return ReviewQueue.people_of(request.queue_id, request.workspace_id).prefetch_related("api_keys")


def deciders(request: Request, users: Iterable[User]) -> list[Decider]:
    """Say of each of ``users`` whether they may decide on ``request`` now, by the decision's own checks."""
    people = list(users)
    try:
        check_is_open(request, is_late=Request.objects.late().filter(pk=request.pk).exists())
    except AlreadyDecided as error:
        return [Decider(user, False, False, "closed", error.message) for user in people]
    standings = Standings(request, people)
    return [_decider(standings, user) for user in people]


def _decider(standings: Standings, user: User) -> Decider:
    against = standings.refusal(user)
    found = against or standings.refusal(user, DecisionKind.APPROVE)
    if found is None:
        return Decider(user, True, True)
    return Decider(user, against is None, False, found.code, found.about)


def _about_the_same(request: Request) -> Q:
    """Return the condition for decisions on ``request``, and on what asks other queues about the same action now."""
    same = Q(request=request)
    return same if request.verdict_id is None else same | Q(request__verdict_id=request.verdict_id)


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
    found = Standings(request, [user]).refusal(user)
    return found.message if found else ""
