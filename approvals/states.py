"""How a request may move, and what a verdict and a decision can be."""

from typing import Final

from django.db.models import TextChoices


class Outcome(TextChoices):
    """A verdict's outcome; the most restrictive of all matching rules wins (DESIGN invariant 11)."""

    ALLOW = "allow", "Allow"
    REVIEW = "review", "Review"
    DENY = "deny", "Deny"


class RequestKind(TextChoices):
    ACTION = "action", "Action"
    SETTLE = "settle", "Settle"
    FORM = "form", "Form"
    BUDGET = "budget", "Budget"
    POLICY = "policy", "Policy"
    CONNECTION = "connection", "Connection"


class RequestStatus(TextChoices):
    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    ANSWERED = "answered", "Answered"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    SUPERSEDED = "superseded", "Superseded"


S = RequestStatus
REQUEST_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    S.OPEN: frozenset({S.APPROVED, S.REJECTED, S.ANSWERED, S.EXPIRED, S.CANCELLED, S.SUPERSEDED}),
    S.APPROVED: frozenset({S.SUPERSEDED}),
}


class DecisionKind(TextChoices):
    APPROVE = "approve", "Approve"
    EDIT = "edit", "Edit"
    REJECT = "reject", "Reject"
    RESPOND = "respond", "Respond"


class Settlement(TextChoices):
    """What a person found out about an action in doubt."""

    HAPPENED = "happened", "It happened"
    RETRY = "retry", "It did not happen: try again with the same key"
    GIVE_UP = "give_up", "It did not happen: give up"


class ExpiryDoes(TextChoices):
    """What becomes of a request whose time runs out."""

    EXPIRE = "expire", "Expires: nothing is done"
    REJECT = "reject", "Is rejected, and the agent is told so"
