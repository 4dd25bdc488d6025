"""The scoped, encrypted credential and address through which tools reach one outside system."""

import json
from typing import Any, ClassVar

from django.db import models

from workspaces.constraints import tenant_key
from workspaces.crypto import decrypt, encrypt
from workspaces.models import TenantRow


class Environment(models.TextChoices):
    SANDBOX = "sandbox", "Sandbox"
    LIVE = "live", "Live"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def usable(self) -> "ConnectionQuerySet":
        return self.filter(is_enabled=True)


class Connection(TenantRow):
    """Where one outside system is, and the secret that opens it. ``version`` grows with every change of either."""

    name = models.SlugField(max_length=60)
    kind = models.CharField(max_length=40)
    config = models.JSONField(default=dict, help_text="Address and settings without secrets.")
    secret = models.BinaryField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    SEALED: ClassVar = {"secret": "connection:{id}"}
    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="connection_name_once"),
            tenant_key("connection"),
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
