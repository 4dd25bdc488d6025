"""The pages of budgets: what is left, what is held, setting up and changing."""

import re
from decimal import Decimal

import pytest

from audit.ledger.models import Event
from tools.models import Budget, Reservation
from tools.operations import BudgetOf, create_budget

pytestmark = pytest.mark.django_db
NEW = {"scope_kind": "workspace", "unit": "usd", "period": "month", "limit": "12.5"}


@pytest.fixture
def owner(browse):
    return browse("owner")


@pytest.fixture
def budget(cast):
    return create_budget(
        workspace=cast.workspace, of=BudgetOf.workspace(cast.workspace), unit="tokens", limit=Decimal(1000),
        period="total", by=cast.owner,
    )  # fmt: skip


def test_budget_is_set_up_once_and_listed(owner, cast):
    page = owner.get("/budgets/new/").content.decode()
    assert '<option value="usd">US dollars</option>' in page
    assert '<option value="" selected>None</option>' in page
    key = re.search(r'name="once" value="([^"]+)"', page).group(1)
    first, again = (owner.post("/budgets/new/", {**NEW, "once": key}) for _ in range(2))
    made = Budget.objects.get(workspace=cast.workspace)
    assert first["Location"] == again["Location"] == f"/budgets/{made.id}/"
    listed = owner.get("/budgets/").content.decode()
    assert "12.5 USD" in listed
    assert 'aria-current="page"' in listed
    assert Event.objects.filter(verb="budget.created").count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit": "eur"}, "A budget in EUR cannot be kept"),
        ({"unit": "<b>"}, "There is no such unit"),
        ({"limit": "-1"}, "greater than or equal to 0"),
        ({"limit": "NaN"}, "Enter a number"),
        ({"unit": "steps", "limit": "1.5"}, "whole numbers"),
        ({"scope_kind": "agent"}, "Say which agent"),
        ({"scope_kind": "customer"}, "Say whose budget it is"),
        ({"scope_kind": "run"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_what_was_typed_stays(owner, change, sentence):
    answer = owner.post("/budgets/new/", NEW | {"subject_ref": ""} | change)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert "<b>" not in page.split("<main")[1].replace("<b></b>", "")
    assert not Budget.objects.exists()
    if "limit" not in change:
        assert 'value="12.5"' in page


def test_page_of_one_budget_shows_what_is_held_and_left(owner, budget, asked):
    step = asked.steps.order_by("number").first()
    Reservation.objects.all().delete()
    for attempt, settled in ((1, 30), (2, None)):
        Reservation.objects.create(
            workspace_id=budget.workspace_id,
            budget=budget,
            step_id=step.id,
            attempt=attempt,
            amount=100,
            settled=settled,
            settled_at=budget.workspace.created_at if settled else None,
        )
    Budget.objects.filter(pk=budget.pk).update(spent=30, reserved=100)
    page = owner.get(f"/budgets/{budget.id}/").content.decode()
    assert "<strong>870 tokens</strong>" in page
    assert f"/runs/{asked.id}/" in page
    assert page.count("100 tokens") == 3
    low = owner.post(f"/budgets/{budget.id}/", {"limit": "129", "is_enabled": "on"})
    assert (low.status_code, "used or held already" in low.content.decode()) == (422, True)
    assert owner.post(f"/budgets/{budget.id}/", {"limit": "130"}).status_code == 302
    assert 'value="1000"' in page
    budget.refresh_from_db()
    assert (budget.limit, budget.is_enabled) == (130, False)
    assert "Does not hold" in owner.get("/budgets/").content.decode()


def test_another_period_is_shown_as_over(owner, cast):
    daily = create_budget(
        workspace=cast.workspace, of=BudgetOf.workspace(cast.workspace), unit="steps", limit=Decimal(9), period="day",
        by=cast.owner,
    )  # fmt: skip
    Budget.objects.filter(pk=daily.pk).update(counted_from="2026-01-01", spent=9)
    assert "<strong>9 steps</strong>" in owner.get(f"/budgets/{daily.id}/").content.decode()


def test_a_run_budget_has_no_page_here(owner, budget):
    Budget.objects.filter(pk=budget.pk).update(scope_kind="run")
    assert owner.get(f"/budgets/{budget.id}/").status_code == 404
    assert "No budgets yet" in owner.get("/budgets/").content.decode()


def test_statements_do_not_grow_with_the_rows(owner, cast, asked, budget, statements):
    few = statements(owner, "/budgets/"), statements(owner, f"/budgets/{budget.id}/")
    steps = list(asked.steps.all())
    for number in range(20):
        whose = BudgetOf.customer(cast.workspace, "customer", str(number))
        create_budget(workspace=cast.workspace, of=whose, unit="usd", limit=Decimal(1), period="total", by=cast.owner)
    for step in steps:
        Reservation.objects.create(
            workspace_id=budget.workspace_id, budget=budget, step_id=step.id, attempt=9, amount=1
        )
    many = statements(owner, "/budgets/"), statements(owner, f"/budgets/{budget.id}/")
    assert many[0] == few[0] <= 25
    assert many[1] <= few[1] + 1 <= 25
