"""What the gate said of an action, with the inputs that it saw."""

from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from approvals.states import Outcome
from tools.models import Action
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow


class Verdict(TenantRow):
    """One evaluation: recorded and reproducible. An action that is gated again has several."""

    action = models.ForeignKey(Action, models.PROTECT, related_name="verdicts")
    outcome = models.CharField(max_length=10, choices=Outcome)
    reasons = models.JSONField(help_text="Sentences, in words.")
    matched = models.JSONField(help_text="The rules that said so.")
    terms = models.JSONField(default=list, help_text="Who must review, how many, how fast.")
    inputs = models.JSONField()
    policy_versions: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    binding = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]
        triggers = [pgtrigger.Protect(name="verdict_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [tenant_key("verdict"), SameWorkspace(field="action", name="verdict_action_same_workspace")]

    def __str__(self) -> str:
        return self.outcome
