"""Budgets: reserve the worst case, settle at what it was; what may have been spent is never given back."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone

from tools.errors import BudgetExhausted
from tools.models import Budget, Reservation, Unit


def reserve(*, scope_id: UUID, unit: Unit, amount: Decimal | None, step_id: UUID, attempt: int) -> None:
    """Hold ``amount`` of the scope's budget for one attempt at a step; no budget means no cap.

    Raise :class:`BudgetExhausted` where it does not fit, or where the price is unknown and so nothing can be promised.
    """
    budget = Budget.objects.filter(scope_id=scope_id, unit=unit).first()
    if budget is None:
        return
    if amount is None:
        raise BudgetExhausted("The price of this model is not known, so the budget in money cannot be kept.")
    with transaction.atomic():
        held = Budget.objects.filter(pk=budget.pk, limit__gte=F("spent") + F("reserved") + amount).update(
            reserved=F("reserved") + amount
        )
        if not held:
            used = budget.spent + budget.reserved
            raise BudgetExhausted(
                f"The next call may cost up to {amount:.6f} {unit.label}; "
                f"{used:.6f} of {budget.limit:.6f} are used or held."
            )
        Reservation.objects.create(
            workspace_id=budget.workspace_id, budget=budget, step_id=step_id, attempt=attempt, amount=amount
        )


def settle_reservation(*, step_id: UUID, attempt: int, cost: Decimal | None, may_have_cost: bool = True) -> None:
    """Turn what one attempt held into what it cost: its worst case where the cost is unknown but may have arisen.

    A call that cost more than its worst case uses the budget up as far as it goes; the reservation keeps the true cost.
    """
    with transaction.atomic():
        held = Reservation.objects.select_for_update().filter(step_id=step_id, attempt=attempt, settled_at=None)
        for reservation in held.order_by("budget_id"):
            spent = _spent(reservation.amount, cost, may_have_cost)
            Reservation.objects.filter(pk=reservation.pk).update(settled=spent, settled_at=timezone.now())
            rest = F("reserved") - reservation.amount
            Budget.objects.filter(pk=reservation.budget_id).update(
                reserved=rest, spent=Least(F("spent") + spent, F("limit") - rest)
            )


def _spent(held: Decimal, cost: Decimal | None, may_have_cost: bool) -> Decimal:
    if cost is None:
        return held if may_have_cost else Decimal(0)
    return cost
