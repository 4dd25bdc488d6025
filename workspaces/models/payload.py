"""Large bodies: stored once in a workspace, under their digest, for as long as anything refers to them."""

from uuid import UUID

from django.db import models

from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models.base import TenantRow


class Payload(TenantRow):
    """One large JSON value. ``digest`` is over its own text, so that a number keeps its type; ``size`` is in bytes."""

    digest = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    body = models.JSONField()
    kept_at = models.DateTimeField(auto_now_add=True, help_text="When it was last stored, by whomever.")

    class Meta:
        constraints = [
            tenant_key("payload"),
            models.UniqueConstraint(fields=["workspace", "digest"], name="payload_once"),
        ]

    def __str__(self) -> str:
        return f"{self.digest[:12]} ({self.size} bytes)"


class PayloadUse(TenantRow):
    """That rows of one owner, such as a run, refer to a payload: without any it is deleted."""

    payload = models.ForeignKey(Payload, models.PROTECT, related_name="uses")
    owner_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()

    class Meta:
        constraints = [
            SameWorkspace(field="payload", name="payloaduse_payload_same_workspace"),
            models.UniqueConstraint(fields=["owner_id", "payload"], name="payloaduse_once"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} uses {self.payload_id}"
