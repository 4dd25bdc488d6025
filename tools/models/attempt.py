"""One try at executing an action, or one observation by one of its companions."""

from uuid import UUID

from django.db import models

from tools.models.action import Action
from tools.states import AttemptKind, AttemptOutcome
from workspaces.constraints import SameWorkspace
from workspaces.models import TenantRow
from workspaces.payloads import BodyField


class ActionAttempt(TenantRow):
    """Written before the call goes out and completed when it is over: the record of every touch of the world."""

    action = models.ForeignKey(Action, models.PROTECT, related_name="attempts")
    kind = models.CharField(max_length=10, choices=AttemptKind)
    number = models.PositiveIntegerField()
    incarnation: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(null=True)
    outcome = models.CharField(max_length=10, choices=AttemptOutcome, default=AttemptOutcome.STARTED)
    explanation = models.TextField(blank=True)
    evidence = BodyField(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at"]
        constraints = [
            SameWorkspace(field="action", name="attempt_action_same_workspace"),
            models.UniqueConstraint(
                fields=["action", "number"], condition=models.Q(kind=AttemptKind.EXECUTE), name="attempt_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.outcome}"
