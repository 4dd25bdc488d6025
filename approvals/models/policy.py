"""Policies as data: versioned sets of rules, of which one version at a time is active."""

from uuid import UUID

import pgtrigger
from django.db import models
from django.db.models import Q

from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow, User


class Policy(TenantRow):
    """A named set of rules of one workspace. All active policies of a workspace are evaluated together."""

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="policy_name_once"),
            tenant_key("policy"),
        ]

    def __str__(self) -> str:
        return self.title


class VersionStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


SAID = ["workspace", "policy", "number", "rules", "digest"]


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def in_force(self, workspace_id: UUID) -> "PolicyVersionQuerySet":
        """Return the versions by which a workspace's actions are judged."""
        return self.filter(workspace_id=workspace_id, status=VersionStatus.ACTIVE)


class PolicyVersion(TenantRow):
    """One immutable state of a policy's rules; only its status moves."""

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    digest = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=VersionStatus, default=VersionStatus.DRAFT)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    activated_at = models.DateTimeField(null=True)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        triggers = [
            pgtrigger.ReadOnly(name="policyversion_rules_stay", fields=SAID),
        ]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            models.UniqueConstraint(
                fields=["policy"], condition=Q(status=VersionStatus.ACTIVE), name="policy_one_active"
            ),
            tenant_key("policyversion"),
            SameWorkspace(field="policy", name="policyversion_same_workspace"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} ({self.status})"
