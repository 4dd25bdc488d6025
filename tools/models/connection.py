"""The scoped, encrypted credential and address through which tools reach one outside system."""

import json
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase

from workspaces.access import granted, member_workspaces
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.crypto import decrypt, encrypt
from workspaces.environments import Environment
from workspaces.models import TenantRow, User
from workspaces.triggers import grant_within_workspace

IS_A_SANDBOX = """
    IF NEW.sandbox_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tools_connection t
        WHERE t.id = NEW.sandbox_id AND t.environment = 'sandbox' AND t.kind = NEW.kind AND NEW.environment = 'live'
    ) THEN
        RAISE EXCEPTION 'a live connection names a sandbox connection of its own kind'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def usable(self) -> "ConnectionQuerySet":
        return self.filter(is_enabled=True)

    def visible_to(self, user: User) -> "ConnectionQuerySet":
        """Return the connections whose settings ``user`` may read."""
        return self.filter(granted(user, ConnectionGrant, ["view_connection", "use_connection", "manage_connection"]))

    def open_to(self, user: User) -> "ConnectionQuerySet":
        """Return the connections through which runs that ``user`` starts may go."""
        unrestricted = Q(is_restricted=False, workspace_id__in=member_workspaces(user))
        return self.filter(unrestricted | granted(user, ConnectionGrant, ["use_connection"]))

    def manageable_by(self, user: User) -> "ConnectionQuerySet":
        """Return the connections of which ``user`` may renew the secret, and which they may enable and disable."""
        return self.filter(granted(user, ConnectionGrant, ["manage_connection"]))


class Connection(TenantRow):
    """Where one outside system is, and the secret that opens it. ``version`` grows with every change of either.

    It belongs to one environment: the database refuses to change that. ``sandbox`` is the
    connection that takes its place in sandbox runs.
    """

    name = models.SlugField(max_length=60)
    kind = models.CharField(max_length=40)
    config = models.JSONField(default=dict, help_text="Address and settings without secrets.")
    secret = models.BinaryField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    sandbox = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stands_in_for",
        help_text="For a live connection: the sandbox connection that takes its place in sandbox runs.",
    )
    is_restricted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Only runs that owners, and teams with the right to use it, have started may go through it.",
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    SEALED: ClassVar = {"secret": "connection:{id}"}
    objects = ConnectionQuerySet.as_manager()

    class Meta:
        permissions = [
            ("use_connection", "Can start runs through this connection"),
            ("manage_connection", "Can renew its secret, enable and disable it"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="connection_name_once"),
            tenant_key("connection"),
            SameWorkspace(field="sandbox", name="connection_sandbox_same_workspace"),
            models.CheckConstraint(
                condition=Q(environment__in=Environment.values), name="connection_environment_known"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="connection_stays_where_it_is", fields=["environment"]),
            pgtrigger.Trigger(
                name="connection_sandbox_is_one",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=IS_A_SANDBOX,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def set_secret(self, secret: dict[str, Any]) -> None:
        """Seal ``secret`` into this row (not saved); it opens only here."""
        self.secret = encrypt(json.dumps(secret).encode(), context=f"connection:{self.id}")

    def open_secret(self) -> dict[str, Any]:
        """Return the secret; raise :class:`workspaces.crypto.Unreadable` where it does not open."""
        if self.secret is None:
            return {}
        found: dict[str, Any] = json.loads(decrypt(bytes(self.secret), context=f"connection:{self.id}"))
        return found

    def is_open_to(self, user: User | None) -> bool:
        """Say whether runs that ``user`` has started may go through it, as rights are now; None is nobody known."""
        if not self.is_restricted:
            return True
        return user is not None and Connection.objects.open_to(user).filter(pk=self.pk).exists()


class ConnectionGrant(GroupObjectPermissionBase):
    """A team's right on one connection."""

    content_object = models.ForeignKey(Connection, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        triggers = [grant_within_workspace("tools_connection")]
