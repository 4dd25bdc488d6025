"""Whose budgets a run takes from, and what a request says of the one that is used up."""

from datetime import date
from decimal import Decimal

import pytest

from agents.engine.limits import budget_evidence, budget_scopes
from agents.operations import set_up_budget
from memory.operations import session_for
from tests.factories import SETUP
from tools.models import BudgetScope

pytestmark = pytest.mark.django_db


@pytest.fixture
def budget(house):
    return set_up_budget(
        workspace=house.cast.workspace, scope_kind="customer", subject_ref="42", unit="tokens", period="month",
        limit=Decimal(1000), by=SETUP,
    )  # fmt: skip


def test_a_run_takes_from_its_customers_budget_once_that_one_is_known(house, budget):
    run = house.run
    assert budget_scopes(run) == [run.workspace_id, run.agent_id, run.id]
    whose = {"subject_kind": "customer", "subject_ref": "42"}
    run.session = session_for(workspace_id=run.workspace_id, agent_id=run.agent_id, by=SETUP, **whose)
    assert budget_scopes(run) == [run.workspace_id, run.agent_id, run.id, budget.scope_id]


def test_a_request_names_the_budget_who_may_extend_it_and_when_it_begins_anew(house, budget):
    budget.counted_from = date(2026, 12, 1)
    said = budget_evidence(budget, house.run)
    assert (said["name"], said["owners_only"]) == ("customer 42", True)
    assert said["who"] == "An owner of Here can extend it. It begins anew on 2027-01-01 (UTC)."
    assert said["begins_anew_at"] == "2027-01-01T00:00:00+00:00"
    budget.scope_kind, budget.counted_from = BudgetScope.RUN, None
    own = budget_evidence(budget, house.run)
    assert (own["who"], own["owners_only"], own["begins_anew_at"]) == ("A person can extend it.", False, None)
