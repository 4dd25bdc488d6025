"""What an action, an attempt and a tool can be, and how an action may move."""

from typing import Final

from django.db.models import TextChoices


class Effect(TextChoices):
    READ = "read", "Reads only"
    REVERSIBLE = "reversible", "Can be undone exactly"
    COMPENSATABLE = "compensatable", "Can be countered, not undone"
    IRREVERSIBLE = "irreversible", "Cannot be undone"


class Idempotency(TextChoices):
    """How a second try can be kept from being a second effect (DESIGN invariant 5)."""

    ENFORCED = "enforced", "The system honours our key"
    CONDITIONAL = "conditional", "Compare-and-set at the system"
    PROBE = "probe", "We can find out whether it happened"
    NONE = "none", "Nobody can find out"


class ActionStatus(TextChoices):
    PROPOSED = "proposed", "Proposed"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    EXECUTING = "executing", "Executing"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    IN_DOUBT = "in_doubt", "In doubt"
    DENIED = "denied", "Denied"
    REJECTED = "rejected", "Rejected"
    ANSWERED = "answered", "Answered"
    SUPERSEDED = "superseded", "Superseded"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    SIMULATED = "simulated", "Simulated"


S = ActionStatus
ACTION_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    S.PROPOSED: frozenset({S.APPROVED, S.IN_REVIEW, S.DENIED, S.CANCELLED, S.SIMULATED}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.REJECTED, S.ANSWERED, S.SUPERSEDED, S.EXPIRED, S.CANCELLED, S.PROPOSED}),
    S.APPROVED: frozenset({S.EXECUTING, S.PROPOSED, S.IN_REVIEW, S.EXPIRED, S.CANCELLED, S.SUPERSEDED}),
    S.EXECUTING: frozenset({S.SUCCEEDED, S.FAILED, S.IN_DOUBT, S.APPROVED}),
    S.IN_DOUBT: frozenset({S.SUCCEEDED, S.FAILED, S.APPROVED}),
}
ACTION_TERMINAL: Final[frozenset[str]] = frozenset(
    {S.SUCCEEDED, S.FAILED, S.DENIED, S.REJECTED, S.ANSWERED, S.SUPERSEDED, S.EXPIRED, S.CANCELLED, S.SIMULATED}
)
OF_SIMULATED: Final[frozenset[str]] = frozenset({S.PROPOSED, S.SIMULATED, S.DENIED, S.CANCELLED})
"""All that an action of a simulated run can be: it is never cleared, so the first door cannot open for it."""


class AttemptKind(TextChoices):
    EXECUTE = "execute", "Execution"
    BEFORE = "before", "Before-image"
    PREVIEW = "preview", "Preview"
    VERIFY = "verify", "Read-back"
    PROBE = "probe", "Probe"


class AttemptOutcome(TextChoices):
    STARTED = "started", "Started"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused by the system"
    NOT_SENT = "not_sent", "Proven not sent"
    DRIFTED = "drifted", "The world had moved"
    UNKNOWN = "unknown", "Unknown"
