"""Deciding whether a run that stands at its limit may go on."""

from decimal import Decimal

import pytest

from approvals.operations import ask_for_budget, release_extended
from tests.factories import SETUP
from tests.integration.approvals.test_deciding import fresh
from tools.models import Budget
from tools.operations import BudgetOf, change_budget, create_budget
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db


def stopped(house, **evidence):
    return ask_for_budget(
        workspace_id=house.cast.workspace.id,
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="More?",
        evidence=evidence,
        causes=house.run.causes,
        by=SETUP,
    )


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"amount": Decimal(0)},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("Infinity")},
        {"amount": Decimal(10) ** 15},
        {"steps": 0},
        {"steps": 2**40},
    ],
)
def test_a_budget_is_raised_to_a_number(house, said):
    request = stopped(house)
    assert stopped(house) == request
    with pytest.raises(InvalidInput):
        house.answer(request, **said)
    assert fresh(request).status == "open"


def test_a_budget_is_raised_or_refused_but_not_talked_about(house):
    request = stopped(house)
    with pytest.raises(InvalidInput, match="cannot be answered with a message"):
        house.answer(request, "respond", reason="Hm.")
    decision = house.answer(request, amount=Decimal(5), steps=9)
    assert (decision.amount, decision.steps, fresh(request).status) == (5, 9, "approved")


def test_a_refused_budget_is_closed_with_the_reason(house):
    request = stopped(house)
    house.answer(request, "reject", reason="Enough.")
    assert (fresh(request).status, fresh(request).explanation) == ("rejected", "Enough.")


@pytest.fixture
def budget(house):
    workspace = house.cast.workspace
    of = BudgetOf.workspace(workspace)
    return create_budget(workspace=workspace, of=of, unit="usd", limit=Decimal(5), period="day", by=SETUP)


def named(budget, until="2999-01-01T00:00:00+00:00"):
    return {
        "id": str(budget.id),
        "limit": "5.000000",
        "begins_anew_at": until,
        "owners_only": True,
        "who": "An owner can.",
    }


@pytest.mark.parametrize("change", [{"limit": Decimal("5.01")}, {"is_enabled": False}])
def test_a_request_ends_when_its_budget_has_room_again(house, budget, change):
    request = stopped(house, budget=named(budget))
    assert (release_extended(), request.reasons[1:]) == (0, ["An owner can."])
    change_budget(budget=budget, by=house.cast.owner, **change)
    assert (release_extended(), release_extended()) == (1, 0)
    assert (fresh(request).status, fresh(request).explanation) == ("superseded", "The budget has room again.")


def test_what_anybody_in_the_queue_may_extend_is_said_once(house, budget):
    request = stopped(house, budget=named(budget) | {"owners_only": False, "who": "A person can extend it."})
    assert request.reasons == ["A run stops at its limit until a person extends it."]


def test_a_request_ends_when_its_budget_begins_anew(house, budget):
    request = stopped(house, budget=named(budget, "2000-01-01T00:00:00+00:00"))
    assert release_extended() == 1
    assert fresh(request).status == "superseded"


def test_a_request_without_a_named_budget_waits_for_people_alone(house):
    request = stopped(house)
    Budget.objects.all().delete()
    assert release_extended() == 0
    assert fresh(request).status == "open"
