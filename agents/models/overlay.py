"""What is different about an agent for one customer: narrower than its version, never wider."""

from typing import Any
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from agents.models.agent import Agent
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow, User


class OverlayQuerySet(models.QuerySet["Overlay"]):
    def newest(self, agent_id: UUID, subject_kind: str, subject_ref: str) -> "Overlay | None":
        """Return the version in force for one customer of an agent; None where nothing is different for them."""
        found = self.filter(agent_id=agent_id, subject_kind=subject_kind, subject_ref=subject_ref)
        return found.order_by("-number").first()


class Overlay(TenantRow):
    """One version of what is different for one customer of one agent; the newest holds for runs that come to know them.

    Tools and collections are named, since names stay. Limits left empty are the version's. The database refuses to
    change it.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="overlays")
    subject_kind = models.CharField(max_length=40, default="customer")
    subject_ref = models.CharField(max_length=200, help_text="The customer's id, as the agent finds it.")
    number = models.PositiveIntegerField()
    prompt = models.TextField(blank=True, help_text="What the agent is told besides its goal.")
    removed_tools: "ArrayField[list[str], list[str]]" = ArrayField(models.CharField(max_length=100), default=list)
    removed_collections: "ArrayField[list[str], list[str]]" = ArrayField(models.CharField(max_length=60), default=list)
    step_limit = models.PositiveIntegerField(null=True, blank=True)
    budget_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True, help_text="Per run.")
    calls_per_turn = models.PositiveSmallIntegerField(null=True, blank=True)
    rules: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = models.JSONField(
        default=list, blank=True, help_text="Rules besides the policy's, each a deny or a review."
    )
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OverlayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "subject_kind", "subject_ref", "number"], name="overlay_once"),
            tenant_key("overlay"),
            SameWorkspace(field="agent", name="overlay_agent_same_workspace"),
        ]
        triggers = [pgtrigger.Protect(name="overlay_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_ref} v{self.number}"

    @property
    def label(self) -> str:
        """How pages, answers and prompts name it."""
        return f"overlay {self.number} for {self.subject_kind} {self.subject_ref}"
