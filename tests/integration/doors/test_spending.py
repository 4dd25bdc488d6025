"""Budgets: reserved at worst, settled at what it was."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories import SETUP, make_cast
from tests.house import events
from tools.errors import BudgetExhausted, BudgetHeld, PriceUnknown
from tools.models import Budget, BudgetScope, Period, Reservation, Unit
from tools.models.budget import period_end, period_start
from tools.operations import BudgetOf, Need, Used, change_budget, create_budget, reserve, settle_reservation
from workspaces.errors import Forbidden, InvalidInput
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db

ONE = Decimal(1)


@pytest.fixture
def cast():
    return make_cast()


def capped(cast, unit=Unit.USD, limit=2 * ONE, of=None, period=Period.TOTAL):
    whose = of or BudgetOf(kind=BudgetScope.RUN, id=uuid7(), name="this run")
    return create_budget(workspace=cast.workspace, of=whose, unit=unit, limit=limit, period=period, by=SETUP)


@pytest.fixture
def budget(cast):
    return capped(cast)


def hold(*budgets, need=None, step_id=None, amount=ONE):
    step_id = step_id or uuid7()
    scopes = [budget.scope_id for budget in budgets]
    need = need or Need(money=amount)
    given = reserve(workspace_id=budgets[0].workspace_id, scopes=scopes, need=need, step_id=step_id, attempt=1)
    return step_id if need.steps == 0 else given


def settle(step_id, **used):
    settle_reservation(step_id=step_id, attempt=1, used=Used(**used))


def now(budget):
    budget.refresh_from_db()
    return budget.spent, budget.reserved


def test_no_budget_is_no_cap(cast):
    need = Need(money=None, steps=17, least_steps=2)
    assert reserve(workspace_id=cast.workspace.id, scopes=[uuid7()], need=need, step_id=uuid7(), attempt=1) == 17
    assert not Reservation.objects.exists()


def test_an_unknown_price_cannot_be_promised_for(budget):
    with pytest.raises(PriceUnknown, match="not known"):
        hold(budget, amount=None)


def test_invariant_16_what_does_not_fit_is_not_held(budget):
    hold(budget)
    with pytest.raises(BudgetHeld, match=r"1\.000001 US dollars; 1 of 2 are used or held in the budget of this run\."):
        hold(budget, amount=Decimal("1.000001"))
    assert now(budget) == (0, 1)
    hold(budget)
    assert now(budget) == (0, 2)


def test_invariant_16_what_fits_no_more_is_told_from_what_is_only_held(budget):
    settle(hold(budget), money=ONE)
    with pytest.raises(BudgetExhausted) as refused:
        hold(budget, amount=Decimal("1.000001"))
    assert (type(refused.value), refused.value.budget.pk) == (BudgetExhausted, budget.pk)


def test_invariant_16_one_call_takes_from_every_budget_or_from_none(cast, budget):
    tokens = capped(cast, Unit.TOKENS, Decimal(100), BudgetOf.workspace(cast.workspace))
    with pytest.raises(BudgetExhausted, match="101 tokens"):
        hold(budget, tokens, need=Need(money=ONE, tokens=101))
    assert (now(budget), now(tokens)) == ((0, 0), (0, 0))
    step = hold(tokens, budget, need=Need(money=ONE, tokens=60))
    assert (now(budget), now(tokens)) == ((0, 1), (0, 60))
    settle(step, money=Decimal("0.5"), tokens=12)
    assert (now(budget), now(tokens)) == ((Decimal("0.5"), 0), (12, 0))


def test_invariant_16_fewer_steps_are_given_where_fewer_fit(cast):
    steps = capped(cast, Unit.STEPS, Decimal(6))
    need = Need(steps=5, least_steps=2)
    first = uuid7()
    assert hold(steps, need=need, step_id=first) == 5
    settle(first, steps=3)
    assert now(steps) == (3, 0)
    assert hold(steps, need=need) == 3
    with pytest.raises(BudgetHeld, match="up to 2 steps; 6 of 6"):
        hold(steps, need=need)


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
    settle(step, money=cost, may_have_cost=may_have_cost)
    assert now(budget) == (spent, 0)
    settle(step, money=ONE)
    assert now(budget) == (spent, 0)
    assert Reservation.objects.get().settled == (cost if cost is not None else spent)


def test_invariant_16_an_overrun_leaves_what_others_hold(budget):
    step, _ = hold(budget), hold(budget)
    settle(step, money=Decimal(5))
    assert now(budget) == (1, 1)


def test_a_new_period_begins_at_zero_and_owes_the_old_one_nothing(cast):
    daily = capped(cast, period=Period.DAY)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    step = hold(daily, amount=2 * ONE)
    Budget.objects.update(counted_from=yesterday)
    Reservation.objects.update(counted_from=yesterday)
    hold(daily)
    assert now(daily) == (0, 1)
    settle(step, money=ONE)
    assert now(daily) == (0, 1)
    assert Reservation.objects.get(step_id=step).settled == 1


def test_days_and_months_begin_and_end_in_utc():
    last = date(2026, 12, 31)
    assert [period_start(period, last) for period in Period] == [None, last, date(2026, 12, 1)]
    assert period_end(Period.DAY, last) == date(2027, 1, 1)
    assert period_end(Period.MONTH, date(2026, 12, 1)) == date(2027, 1, 1)
    assert period_end(Period.MONTH, date(2026, 1, 1)) == date(2026, 2, 1)
    assert period_end(Period.TOTAL, None) is None


@pytest.mark.parametrize(
    ("unit", "limit", "sentence"),
    [
        ("eur", ONE, "A budget in EUR cannot be kept: no model's price is known in that currency."),
        ("bananas", ONE, "There is no such unit."),
        ("usd", -ONE, "This is no limit."),
        ("usd", Decimal("NaN"), "This is no limit."),
        ("tokens", Decimal("1.5"), "Tokens are counted in whole numbers."),
    ],
)
def test_a_budget_that_could_not_be_kept_is_refused_with_a_sentence(cast, unit, limit, sentence):
    with pytest.raises(InvalidInput) as refused:
        capped(cast, unit, limit)
    assert (refused.value.message, bool(refused.value.fields)) == (sentence, True)
    assert not Budget.objects.exists()


def test_a_budget_is_set_up_once_a_scope_unit_and_period_and_every_change_is_on_record(cast):
    whose = BudgetOf.customer(cast.workspace, "customer", "42")
    made = capped(cast, of=whose)
    with pytest.raises(InvalidInput, match="such a budget of customer 42 already"):
        capped(cast, of=whose)
    hold(made)
    with pytest.raises(InvalidInput, match="1 US dollars of it are used or held"):
        change_budget(budget=made, limit=Decimal("0.5"), by=cast.owner)
    with pytest.raises(Forbidden):
        change_budget(budget=made, limit=ONE, by=cast.reviewer)
    assert change_budget(budget=made, limit=ONE, by=cast.owner).limit == ONE
    change_budget(budget=made, limit=ONE, by=cast.owner)
    assert change_budget(budget=made, is_enabled=False, by=cast.owner).limit == ONE
    hold(made, amount=9 * ONE)
    assert events(made) == ["budget.created", "budget.changed", "budget.changed"]
