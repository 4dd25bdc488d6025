"""What a POST with an ``Idempotency-Key`` was answered, so that sending it again answers the same."""

from django.db import models

from workspaces.models.base import TenantRow
from workspaces.models.user import User


class IdempotencyRecord(TenantRow):
    """One answered POST of one caller (draft-ietf-httpapi-idempotency-key-header)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    endpoint = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user", "endpoint", "key"], name="idempotency_once"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key}"
