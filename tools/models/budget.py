"""Caps that are never exceeded: the worst case is reserved before a call, and settled after it (invariant 16)."""

from datetime import date
from decimal import Decimal
from uuid import UUID, uuid5

from django.db import models
from django.db.models import F, Q

from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow


class Unit(models.TextChoices):
    USD = "usd", "US dollars"
    TOKENS = "tokens", "Tokens"
    STEPS = "steps", "Steps"


class BudgetScope(models.TextChoices):
    WORKSPACE = "workspace", "Workspace"
    CUSTOMER = "customer", "Customer"
    AGENT = "agent", "Agent"
    RUN = "run", "Run"


class Period(models.TextChoices):
    """How long a budget counts before it begins anew; days and months are those of UTC."""

    TOTAL = "total", "In all"
    DAY = "day", "A day"
    MONTH = "month", "A month"


def period_start(period: str, today: date) -> date | None:
    """Return the first day of the period in which ``today`` (in UTC) lies; None for what never begins anew."""
    if period == Period.TOTAL:
        return None
    return today if period == Period.DAY else today.replace(day=1)


def period_end(period: str, begun: date | None) -> date | None:
    """Return the day (in UTC) on which the period after the one begun on ``begun`` begins; None where none does."""
    if begun is None:
        return None
    if period == Period.DAY:
        return date.fromordinal(begun.toordinal() + 1)
    return date(begun.year + begun.month // 12, begun.month % 12 + 1, 1)


def customer_scope(workspace_id: UUID, kind: str, ref: str) -> UUID:
    """Return the scope of everything that is done for one subject, by whichever agent."""
    return uuid5(workspace_id, f"{kind}:{ref}")


class Budget(TenantRow):
    """How much of one unit may be used in one scope within one period.

    ``spent`` and ``reserved`` are those of the period that began on ``counted_from``: in a later one they are zero.
    """

    scope_kind = models.CharField(max_length=10, choices=BudgetScope)
    scope_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    name = models.CharField(max_length=300, help_text="Whose it is, as people read it.")
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_ref = models.CharField(max_length=200, blank=True)
    unit = models.CharField(max_length=10, choices=Unit)
    period = models.CharField(max_length=10, choices=Period, default=Period.TOTAL)
    counted_from = models.DateField(null=True)
    limit = models.DecimalField(max_digits=18, decimal_places=6)
    spent = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    reserved = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            tenant_key("budget"),
            models.UniqueConstraint(fields=["scope_id", "unit", "period"], name="budget_once"),
            models.CheckConstraint(condition=Q(limit__gte=F("spent") + F("reserved")), name="budget_never_exceeded"),
            models.CheckConstraint(condition=Q(spent__gte=0, reserved__gte=0), name="budget_not_negative"),
            models.CheckConstraint(
                condition=Q(period=Period.TOTAL, counted_from=None)
                | ~Q(period=Period.TOTAL) & Q(counted_from__isnull=False),
                name="budget_period_has_begun",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {amount_text(self.limit)} {self.get_unit_display()} {self.get_period_display().lower()}"

    def begin_anew(self, today: date) -> None:
        """Forget what an earlier period used; the row in memory only, and never back to an earlier period."""
        begun = period_start(self.period, today)
        if begun is not None and self.counted_from is not None and begun > self.counted_from:
            self.counted_from, self.spent, self.reserved = begun, Decimal(0), Decimal(0)


class Reservation(TenantRow):
    """The worst case of one attempt at one step, held until it is settled in the period in which it was made."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="reservations")
    step_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    attempt = models.PositiveIntegerField()
    counted_from = models.DateField(null=True)
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    settled = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            SameWorkspace(field="budget", name="reservation_budget_same_workspace"),
            models.UniqueConstraint(fields=["budget", "step_id", "attempt"], name="reservation_once"),
        ]
        indexes = [
            models.Index(fields=["step_id"], condition=Q(settled_at=None), name="reservation_held"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.step_id}"


def amount_text(amount: Decimal) -> str:
    """Return an amount without zeros that say nothing."""
    return f"{amount.normalize():f}" if amount else "0"


def limit_text(amount: Decimal, unit: str) -> str:
    """Return an amount with its unit, in words that stand in a sentence."""
    return f"{amount_text(amount)} {'USD' if unit == Unit.USD else unit_text(unit)}"


def unit_text(unit: str) -> str:
    """Return a unit as it stands within a sentence."""
    label = str(Unit(unit).label)
    return label if unit == Unit.USD else label.lower()
