"""Something that waits for people, with the frozen evidence that they see."""

from typing import ClassVar
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from approvals.models.queue import ReviewQueue
from approvals.models.verdict import Verdict
from approvals.states import REQUEST_TRANSITIONS, ExpiryDoes, RequestKind, RequestStatus
from tools.models import Action
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.database import ClockTimestamp
from workspaces.models import TenantRow, User

FROZEN = [
    "workspace", "kind", "queue", "action", "verdict", "run_id", "agent_id", "title", "reasons", "evidence",
    "evidence_digest", "causes", "quorum",
]  # fmt: skip
"""What people decide on, and who may: the database refuses to change it once the request is open."""


class RequestQuerySet(models.QuerySet["Request"]):
    def visible_to(self, user: User) -> "RequestQuerySet":
        """Return the requests of the queues that ``user`` may read."""
        return self.filter(queue__in=ReviewQueue.objects.visible_to(user))

    def open(self) -> "RequestQuerySet":
        return self.filter(status=RequestStatus.OPEN)

    def late(self) -> "RequestQuerySet":
        """Return the requests whose time has run out by the database's clock."""
        return self.filter(expires_at__lte=ClockTimestamp())

    def waiting_for(self, user: User) -> "RequestQuerySet":
        """Return the open requests on which ``user`` may decide now: their queues, not caused or decided by them.

        Decided by them is also what was decided through a service account, or a key of one, behind which they stand.
        Nobody counts in two queues that are asked about the same action.
        """
        people = user.cause_ids()
        waiting = self.open().filter(queue__in=ReviewQueue.objects.decidable_by(user)).exclude(causes__overlap=people)
        return waiting.exclude(_decided_by(people)).exclude(_decided_by(people, "verdict__requests__"))


def _decided_by(people: list[str], of: str = "") -> Q:
    """Return the condition that one of ``people``, or somebody for whom they stand, decided on the request."""
    decider = f"{of}decisions__user"
    own = Q(**{f"{decider}_id__in": people}) | Q(**{f"{decider}__owner_id__in": people})
    return own | Q(**{f"{decider}__api_keys__created_by_id__in": people})


class Request(TenantRow):
    """One line of the inbox. ``evidence`` is frozen when it opens; people decide on exactly that, by its digest."""

    TRANSITIONS: ClassVar = REQUEST_TRANSITIONS

    kind = models.CharField(max_length=12, choices=RequestKind)
    queue = models.ForeignKey(ReviewQueue, models.PROTECT, related_name="requests")
    action = models.ForeignKey(Action, models.PROTECT, related_name="requests", null=True)
    verdict = models.ForeignKey(Verdict, models.PROTECT, related_name="requests", null=True)
    run_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    agent_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    title = models.CharField(max_length=300, help_text="One sentence of computed facts.")
    reasons = models.JSONField(default=list)
    evidence = models.JSONField()
    evidence_digest = models.CharField(max_length=64)
    causes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    status = models.CharField(max_length=12, choices=RequestStatus, default=RequestStatus.OPEN)
    quorum = models.PositiveSmallIntegerField(default=1)
    approvals = models.PositiveSmallIntegerField(default=0)
    on_expiry = models.CharField(max_length=10, choices=ExpiryDoes, default=ExpiryDoes.EXPIRE)
    opened_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    explanation = models.TextField(blank=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        triggers = [pgtrigger.ReadOnly(name="request_stays_as_shown", fields=FROZEN)]
        constraints = [
            tenant_key("request"),
            SameWorkspace(field="queue", name="request_queue_same_workspace"),
            SameWorkspace(field="action", name="request_action_same_workspace"),
            SameWorkspace(field="verdict", name="request_verdict_same_workspace"),
            models.UniqueConstraint(
                fields=["action", "queue"],
                condition=Q(status=RequestStatus.OPEN, action__isnull=False),
                name="request_one_open",
            ),
            models.UniqueConstraint(
                fields=["run_id", "kind"],
                condition=Q(status=RequestStatus.OPEN, action__isnull=True),
                name="request_one_open_for_run",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[RequestKind.ACTION, RequestKind.SETTLE], action__isnull=False)
                | ~Q(kind__in=[RequestKind.ACTION, RequestKind.SETTLE]),
                name="request_about_an_action",
            ),
            models.CheckConstraint(
                condition=Q(status=RequestStatus.OPEN, closed_at=None)
                | ~Q(status=RequestStatus.OPEN) & Q(closed_at__isnull=False),
                name="request_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "status", "opened_at"], name="request_inbox"),
            models.Index(fields=["run_id"], name="request_run"),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="request_expiry"),
            models.Index(
                fields=["kind"], condition=Q(status="open", kind__in=["settle", "budget"]), name="request_rare_kinds"
            ),
        ]

    def __str__(self) -> str:
        return self.title
