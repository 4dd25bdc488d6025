"""Budgets: reserve the worst case, settle at what it was; what may have been spent is never given back.

One call takes from every budget that covers it, or from none. Budgets are locked in the order of their ids, by whoever
takes and whoever gives back, so that no two can wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tools.errors import BudgetExhausted, BudgetHeld, PriceUnknown
from tools.models import Budget, Period, Reservation, Unit
from tools.models.budget import amount_text, unit_text
from workspaces.database import ClockTimestamp

NOW = {Period.TOTAL: "", Period.DAY: " for today (UTC)", Period.MONTH: " for this month (UTC)"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a call may use at worst; None is money of a price that nobody knows.

    Of ``steps``, fewer will do too, down to ``least_steps``.
    """

    money: Decimal | None = Decimal(0)
    tokens: int = 0
    steps: int = 0
    least_steps: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What a call has used; None is what nobody knows: its worst case, where it may have arisen at all."""

    money: Decimal | None = None
    tokens: int | None = None
    steps: int = 0
    may_have_cost: bool = True


def reserve(*, workspace_id: UUID, scopes: Sequence[UUID], need: Need, step_id: UUID, attempt: int) -> int:
    """Hold what one attempt at a step needs in every budget over ``scopes``; return how many steps it was given.

    No budget means no cap. Raise :class:`BudgetExhausted` where it does not fit, :class:`BudgetHeld` where it will fit
    if calls under way cost less than they might, and :class:`PriceUnknown` where nothing can be promised.
    """
    with transaction.atomic():
        budgets = _locked(workspace_id, scopes)
        steps = _steps(budgets, need)
        amounts = {Unit.USD: need.money, Unit.TOKENS: Decimal(need.tokens), Unit.STEPS: Decimal(steps)}
        taken = [(budget, _fits(budget, amounts[Unit(budget.unit)])) for budget in budgets]
        for budget, amount in taken:
            budget.reserved += amount
        Budget.objects.bulk_update(budgets, ["counted_from", "spent", "reserved"])
        Reservation.objects.bulk_create(
            Reservation(
                workspace_id=workspace_id,
                budget=budget,
                step_id=step_id,
                attempt=attempt,
                amount=amount,
                counted_from=budget.counted_from,
            )
            for budget, amount in taken
        )
    return steps


def _locked(workspace_id: UUID, scopes: Sequence[UUID]) -> list[Budget]:
    """Lock the budgets over ``scopes`` by their ids, each as it stands in the present period."""
    found: Any = Budget.objects.select_for_update(no_key=True).filter(scope_id__in=scopes, is_enabled=True)
    budgets = list(found.filter(workspace_id=workspace_id).annotate(now=ClockTimestamp()).order_by("id"))
    for budget in budgets:
        budget.begin_anew(budget.now.astimezone(UTC).date())
    return budgets


def _steps(budgets: list[Budget], need: Need) -> int:
    """Return how many of the wished steps fit under every budget of steps, at least the fewest that will do."""
    rooms = [int(one.limit - one.spent - one.reserved) for one in budgets if one.unit == Unit.STEPS]
    return max(min([need.steps, *rooms]), need.least_steps)


def _fits(budget: Budget, amount: Decimal | None) -> Decimal:
    if amount is None:
        raise PriceUnknown(
            f"The price of this model is not known, so the budget in money of {budget.name} cannot hold."
        )
    if budget.spent + budget.reserved + amount <= budget.limit:
        return amount
    used, verb = budget.spent + budget.reserved, "cost" if budget.unit == Unit.USD else "use"
    said = (
        f"The next call may {verb} up to {amount_text(amount)} {unit_text(budget.unit)}; "
        f"{amount_text(used)} of {amount_text(budget.limit)} are used or held in the budget of {budget.name}"
        f"{NOW[Period(budget.period)]}."
    )
    if budget.spent + amount <= budget.limit:
        raise BudgetHeld(said, budget)
    raise BudgetExhausted(said, budget)


def settle_reservation(*, step_id: UUID, attempt: int, used: Used) -> None:
    """Turn what one attempt held into what it used: its worst case where that is unknown but may have arisen.

    A call that used more than its worst case uses the budget up as far as it goes; the reservation keeps the truth.
    What was held in a period that is over counts there, and takes nothing from the present one.
    """
    with transaction.atomic():
        rows = Reservation.objects.select_for_update().filter(step_id=step_id, attempt=attempt, settled_at=None)
        held = list(rows.order_by("budget_id"))
        found = Budget.objects.select_for_update(no_key=True).filter(pk__in=[one.budget_id for one in held])
        budgets = {budget.pk: budget for budget in (found.order_by("id") if held else ())}
        for reservation in held:
            budget = budgets[reservation.budget_id]
            reservation.settled = _spent(Unit(budget.unit), reservation.amount, used)
            reservation.settled_at = timezone.now()
            if budget.counted_from == reservation.counted_from:
                budget.reserved -= reservation.amount
                budget.spent = min(budget.spent + reservation.settled, budget.limit - budget.reserved)
        Reservation.objects.bulk_update(held, ["settled", "settled_at"])
        Budget.objects.bulk_update(budgets.values(), ["spent", "reserved"])


def _spent(unit: Unit, held: Decimal, used: Used) -> Decimal:
    if unit == Unit.STEPS:
        return Decimal(used.steps)
    known = used.money if unit == Unit.USD else used.tokens
    if known is None:
        return held if used.may_have_cost else Decimal(0)
    return Decimal(known)
