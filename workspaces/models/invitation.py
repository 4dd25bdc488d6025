"""Invitations: how somebody comes into a workspace by e-mail."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from workspaces.database import ClockTimestamp
from workspaces.models.base import TenantRow
from workspaces.models.user import User
from workspaces.models.workspace import Role, Workspace


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def waiting(self) -> "InvitationQuerySet":
        """Return those that were neither accepted nor withdrawn, whether or not their time has run out."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def timed(self) -> "InvitationQuerySet":
        """Add ``is_late``: whether the time has run out by the database's clock."""
        return self.annotate(is_late=Q(expires_at__lte=ClockTimestamp()))


class Invitation(TenantRow):
    """One address that is asked to join. Its link is signed, names ``serial``, and serves once and for a while."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)
    invited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    serial = models.PositiveIntegerField(default=1, help_text="Counted up when it is repeated: earlier links end.")
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took the last e-mail.")
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_one_waiting",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower_case"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, withdrawn_at=None),
                name="invitation_accepted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.email
