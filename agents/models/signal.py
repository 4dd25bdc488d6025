"""What somebody outside told the runs that wait for it: a name, a key, and a payload."""

from django.db import models

from workspaces.environments import Environment
from workspaces.models import TenantRow, User


class RunSignal(TenantRow):
    """Kept until a run takes it, or for a week; its id makes a second sending of the same harmless."""

    environment = models.CharField(max_length=10, choices=Environment)
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=200, blank=True)
    payload = models.JSONField(null=True)
    sent_id = models.CharField(max_length=200, help_text="The sender's own id of it.")
    digest = models.CharField(max_length=64)
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, help_text="When the first run took it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "environment", "name", "sent_id"], name="signal_once"),
            models.CheckConstraint(
                condition=models.Q(environment__in=Environment.values), name="signal_environment_known"
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "environment", "name", "key", "received_at"], name="signal_address"),
            models.Index(fields=["received_at"], name="signal_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}".strip()
