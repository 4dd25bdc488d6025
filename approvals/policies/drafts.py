"""The policy to begin with: an agent reads, and all else that it proposes is a draft until a person says yes.

Nothing can be waived and nothing is clean enough to pass by itself; undoing is for people too.
"""

from typing import Any, Final

from approvals.policies.default import DEFAULT_QUEUE, DEFAULT_RULES

KEPT: Final = ("undescribed-tool", "same-call-again", "read")

DRAFT_RULES: Final[list[dict[str, Any]]] = [
    *(rule for rule in DEFAULT_RULES if rule["name"] in KEPT),
    {
        "name": "drafts-only",
        "when": "action.effect != 'read' || action.egress",
        "outcome": "review",
        "reason": "This agent only drafts: a person reads what it would change or send, and says whether it is done.",
        "queue": DEFAULT_QUEUE,
        "quorum": 1,
        "time_limit_seconds": 7 * 24 * 3600,
        "on_expiry": "expire",
    },
]
