"""Facts: what an agent remembers of one subject, such as a customer, from one run to the next.

Apart from conversations (what was said) and from knowledge (what documents say). A row never changes what it claims: a
new claim under the same key closes the older one's time, and forgetting deletes the row.
"""

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from memory.models.session import Trust
from memory.states import FACT_TRANSITIONS, FactStatus
from workspaces.constraints import tenant_key
from workspaces.environments import Environment
from workspaces.models import TenantRow


class FactQuerySet(models.QuerySet["Fact"]):
    def about(
        self, *, workspace_id: UUID, agent_id: UUID, subject_kind: str, subject_ref: str, environment: str
    ) -> "FactQuerySet":
        """Return what one agent remembers of one subject in one environment, closed facts too."""
        return self.filter(
            workspace_id=workspace_id,
            agent_id=agent_id,
            subject_kind=subject_kind,
            subject_ref=subject_ref,
            environment=environment,
        )

    def valid(self) -> "FactQuerySet":
        return self.filter(status=FactStatus.VALID)


class Fact(TenantRow):
    """One claim: under ``key``, ``value`` held of the subject from ``valid_from`` until ``valid_until``.

    ``trust`` is that of where the value came from: an approval lets a claim in, it does not make it true.
    ``confidence`` is what the agent said of it, from 0 to 1. ``action_id`` wrote it; None where a person did:
    a plain UUID, since nothing that searching imports may know tools.
    """

    TRANSITIONS: ClassVar = FACT_TRANSITIONS

    agent_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    subject_kind = models.CharField(max_length=40)
    subject_ref = models.CharField(max_length=200)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    key = models.CharField(max_length=60)
    value = models.JSONField(help_text="A text, a number, or true or false.")
    source = models.CharField(max_length=300, help_text="Where the value came from, as far as it was found anywhere.")
    trust = models.CharField(max_length=10, choices=Trust)
    confidence = models.DecimalField(max_digits=3, decimal_places=2, null=True, help_text="As the agent said.")
    status = models.CharField(max_length=10, choices=FactStatus, default=FactStatus.VALID)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(auto_now_add=True)
    run_id: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(null=True)
    action_id: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(null=True)

    objects = FactQuerySet.as_manager()

    class Meta:
        ordering = ["recorded_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "agent_id", "subject_kind", "subject_ref", "environment", "key"],
                condition=Q(status=FactStatus.VALID),
                name="fact_one_valid_a_key",
            ),
            models.CheckConstraint(
                condition=Q(status=FactStatus.VALID, valid_until=None)
                | ~Q(status=FactStatus.VALID) & Q(valid_until__gte=F("valid_from")),
                name="fact_closed_has_end",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=0, confidence__lte=1), name="fact_confidence_a_share"
            ),
            tenant_key("fact"),
        ]
        indexes = [models.Index(fields=["workspace", "-recorded_at"], name="fact_list")]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_ref}: {self.key}"
