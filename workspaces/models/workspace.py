"""The tenant and who belongs to it."""

from django.contrib.auth.models import Group
from django.db import models

from workspaces.models.base import Row, TenantRow
from workspaces.models.user import User


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def of(self, user: User) -> "WorkspaceQuerySet":
        """Return the workspaces that ``user`` is a member of."""
        return self.filter(memberships__user_id=user.id)


class Workspace(Row):
    """One company's or department's separate world."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    second_factor_required = models.BooleanField(
        default=False, help_text="Its people can do nothing until they have set up a second factor."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do in the whole workspace; everything else is granted to teams, object by object."""

    OWNER = "owner", "Owner: every right of the workspace"
    AUDITOR = "auditor", "Auditor: reads the ledger"
    MEMBER = "member", "Member: what their teams may do"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def people_in(self, workspace: Workspace) -> "MembershipQuerySet":
        """Return the people of a workspace, disabled ones too, each with the teams they are in (``user.here``)."""
        teams = Group.objects.filter(team__workspace=workspace).select_related("team").order_by("team__name")
        found = self.filter(workspace=workspace, user__is_service=False).select_related("user")
        return found.prefetch_related(models.Prefetch("user__groups", teams, to_attr="here"))


class Membership(TenantRow):
    """One person's place in one workspace."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}: {self.role}"
