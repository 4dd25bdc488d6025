"""Caps that are never exceeded: the worst case is reserved before a call, and settled after it (invariant 16)."""

from uuid import UUID

from django.db import models
from django.db.models import F, Q

from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow


class Unit(models.TextChoices):
    USD = "usd", "US dollars"
    TOKENS = "tokens", "Tokens"
    STEPS = "steps", "Steps"


class Budget(TenantRow):
    """How much of one unit may be used in one scope (a run, an agent, a workspace)."""

    scope_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    unit = models.CharField(max_length=10, choices=Unit)
    limit = models.DecimalField(max_digits=18, decimal_places=6)
    spent = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    reserved = models.DecimalField(max_digits=18, decimal_places=6, default=0)

    class Meta:
        constraints = [
            tenant_key("budget"),
            models.UniqueConstraint(fields=["scope_id", "unit"], name="budget_once"),
            models.CheckConstraint(condition=Q(limit__gte=F("spent") + F("reserved")), name="budget_never_exceeded"),
            models.CheckConstraint(condition=Q(spent__gte=0, reserved__gte=0), name="budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.spent} of {self.limit} {self.unit}"


class Reservation(TenantRow):
    """The worst case of one attempt at one step, held until it is settled."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="reservations")
    step_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    attempt = models.PositiveIntegerField()
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    settled = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            SameWorkspace(field="budget", name="reservation_budget_same_workspace"),
            models.UniqueConstraint(fields=["budget", "step_id", "attempt"], name="reservation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.step_id}"
