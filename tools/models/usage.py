"""What each model call used and cost. An unknown price is unknown, not zero."""

from uuid import UUID

from django.db import models

from workspaces.environments import Environment
from workspaces.models import TenantRow


class UsageRecord(TenantRow):
    """One attempt at one model call: tokens, money, time, and how it ended."""

    step_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    run_id: "models.UUIDField[UUID, UUID]" = models.UUIDField(db_index=True)
    agent_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    attempt = models.PositiveIntegerField()
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cached_tokens = models.PositiveIntegerField(null=True, help_text="Of the input, read from the provider's cache.")
    cache_written_tokens = models.PositiveIntegerField(null=True, help_text="Of the input, put into that cache.")
    max_output_tokens = models.PositiveIntegerField(null=True, help_text="How long the answer might have been.")
    cost = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    currency = models.CharField(max_length=3, default="USD")
    latency_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    explanation = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["step_id"], name="usage_step"),
            models.Index(fields=["workspace", "at"], name="usage_period"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.outcome}"
