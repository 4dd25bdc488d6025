"""Policies, verdicts, review queues, requests and decisions."""

from approvals.models.decision import Decision
from approvals.models.policy import Policy, PolicyVersion, VersionStatus
from approvals.models.queue import ReviewQueue, ReviewQueueGrant
from approvals.models.request import Request
from approvals.models.verdict import Verdict

__all__ = [
    "Decision",
    "Policy",
    "PolicyVersion",
    "Request",
    "ReviewQueue",
    "ReviewQueueGrant",
    "Verdict",
    "VersionStatus",
]
