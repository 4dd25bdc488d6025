"""An address outside that is told of a workspace's events."""

import base64
import secrets as randomness
from datetime import datetime
from typing import ClassVar, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from workspaces.constraints import tenant_key
from workspaces.crypto import decrypt, encrypt
from workspaces.models import TenantRow

SECRET_BYTES = 32
PREFIX = "whsec_"


class Secrets(NamedTuple):
    """The secrets that sign now, as ``whsec_`` texts: the current one first."""

    texts: tuple[str, ...]

    def __repr__(self) -> str:
        """Say how many, and nothing of them."""
        return f"<{len(self.texts)} secrets>"


class WebhookEndpoint(TenantRow):
    """Where a workspace's events are sent, which of them, and the secret that signs them.

    The cursor is the place in the ledger up to which deliveries have been written. After a rotation the earlier secret
    signs too until ``previous_until``. An endpoint that is not enabled says why.
    """

    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    verbs: "ArrayField[list[str], list[str]]" = ArrayField(
        models.CharField(max_length=100), default=list, blank=True, help_text="Which events; empty for all of them."
    )
    secret = models.BinaryField(editable=False)
    previous_secret = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True, editable=False)
    cursor_epoch = models.IntegerField(editable=False)
    cursor_txid = models.BigIntegerField(editable=False)
    cursor_sequence = models.BigIntegerField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    SEALED: ClassVar = {"secret": "webhook_endpoint:{id}", "previous_secret": "webhook_endpoint:{id}"}

    class Meta:
        verbose_name = "webhook"
        constraints = [
            tenant_key("webhook_endpoint"),
            models.CheckConstraint(
                condition=Q(is_enabled=True, disabled_reason="") | (Q(is_enabled=False) & ~Q(disabled_reason="")),
                name="webhook_endpoint_disabled_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(previous_secret__isnull=True, previous_until__isnull=True)
                | Q(previous_secret__isnull=False, previous_until__isnull=False),
                name="webhook_endpoint_previous_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.description or str(self.id)

    def renew_secret(self) -> str:
        """Seal a fresh secret into this row (not saved) and return its text, which is known only now."""
        plain = randomness.token_bytes(SECRET_BYTES)
        self.secret = encrypt(plain, context=f"webhook_endpoint:{self.id}")
        return PREFIX + base64.b64encode(plain).decode()

    def open_secrets(self, now: datetime) -> Secrets:
        """Return the secrets that sign at ``now``; raise :class:`workspaces.crypto.Unreadable` where one is shut."""
        sealed = [self.secret]
        if self.previous_secret is not None and self.previous_until is not None and self.previous_until > now:
            sealed.append(self.previous_secret)
        opened = (decrypt(bytes(one), context=f"webhook_endpoint:{self.id}") for one in sealed)
        return Secrets(tuple(PREFIX + base64.b64encode(plain).decode() for plain in opened))
