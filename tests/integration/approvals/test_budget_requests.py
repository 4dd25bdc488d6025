"""Deciding whether a run that stands at its limit may go on."""

from decimal import Decimal

import pytest

from approvals.operations import ask_for_budget
from tests.factories import SETUP
from tests.integration.approvals.test_deciding import fresh
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db


def stopped(house):
    return ask_for_budget(
        workspace_id=house.cast.workspace.id,
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="More?",
        evidence={},
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
