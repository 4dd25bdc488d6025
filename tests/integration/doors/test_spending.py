"""Budgets: reserved at worst, settled at what it was."""

from decimal import Decimal

import pytest

from tests.factories import make_cast
from tools.errors import BudgetExhausted
from tools.models import Budget, Reservation, Unit
from tools.operations import reserve, settle_reservation
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db

ONE = Decimal(1)


@pytest.fixture
def budget():
    return Budget.objects.create(workspace=make_cast().workspace, scope_id=uuid7(), unit=Unit.USD, limit=2 * ONE)


def hold(budget, amount=ONE, step_id=None):
    step_id = step_id or uuid7()
    reserve(scope_id=budget.scope_id, unit=Unit.USD, amount=amount, step_id=step_id, attempt=1)
    return step_id


def now(budget):
    budget.refresh_from_db()
    return budget.spent, budget.reserved


def test_no_budget_is_no_cap(db):
    reserve(scope_id=uuid7(), unit=Unit.USD, amount=None, step_id=uuid7(), attempt=1)
    assert not Reservation.objects.exists()


def test_an_unknown_price_cannot_be_promised_for(budget):
    with pytest.raises(BudgetExhausted, match="not known"):
        hold(budget, amount=None)


def test_invariant_16_what_does_not_fit_is_not_held(budget):
    hold(budget)
    with pytest.raises(BudgetExhausted, match=r"1\.000001 US dollars; 1\.000000 of 2\.000000"):
        hold(budget, Decimal("1.000001"))
    assert now(budget) == (0, 1)
    hold(budget)
    assert now(budget) == (0, 2)


@pytest.mark.parametrize(
    ("cost", "may_have_cost", "spent"),
    [
        (Decimal("0.4"), True, Decimal("0.4")),
        (None, True, ONE),
        (None, False, 0),
        (Decimal("1.5"), True, Decimal("1.5")),
        (Decimal(9), True, 2 * ONE),
    ],
)
def test_invariant_16_settling_gives_back_only_what_cannot_have_been_spent(budget, cost, may_have_cost, spent):
    step = hold(budget)
    settle_reservation(step_id=step, attempt=1, cost=cost, may_have_cost=may_have_cost)
    assert now(budget) == (spent, 0)
    settle_reservation(step_id=step, attempt=1, cost=ONE)
    assert now(budget) == (spent, 0)
    assert Reservation.objects.get().settled == (cost if cost is not None else spent)


def test_invariant_16_an_overrun_leaves_what_others_hold(budget):
    step, _ = hold(budget), hold(budget)
    settle_reservation(step_id=step, attempt=1, cost=Decimal(5))
    assert now(budget) == (1, 1)
