"""What people state about money, so that the worth of an agent's work can be computed: values, prices, wages."""

from uuid import UUID

from django.db import models

from workspaces.models import TenantRow


class RateKind(models.TextChoices):
    TASK_VALUE = "task_value", "Value of a task, of an agent"
    CALL_PRICE = "call_price", "Price of a call, of a tool"
    REVIEW_HOUR = "review_hour", "Cost of an hour of review, in a queue or the whole workspace"


class Rate(TenantRow):
    """One stated amount in US dollars, of an agent, a tool, a queue or a workspace, as it holds now."""

    kind = models.CharField(max_length=12, choices=RateKind)
    scope_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    name = models.CharField(max_length=120, help_text="Whose it is, as people read it.")
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "scope_id"], name="rate_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="rate_not_negative"),
            models.CheckConstraint(condition=models.Q(kind__in=RateKind.values), name="rate_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"
