"""The salts under which personal data is digested for the ledger, kept apart from the ledger and from the data."""

import secrets
from uuid import UUID

from django.db import models

from workspaces.models.base import TenantRow


def new_salt() -> bytes:
    """Return 32 fresh random bytes."""
    return secrets.token_bytes(32)


class Salt(TenantRow):
    """The salt of one scope (a run). Deleting the row makes the digests made with it say nothing to anybody."""

    scope_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    value = models.BinaryField(default=new_salt, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "scope_id"], name="salt_once_a_scope")]

    def __str__(self) -> str:
        return f"salt of {self.scope_id}"
