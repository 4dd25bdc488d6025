"""Budgets by API alone: of the workspace, an agent, a customer; never in a currency that nothing is priced in."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.operations import create_agent
from tests.factories import SETUP
from tools.models import Budget

pytestmark = pytest.mark.django_db
API = "/api/v1/budgets/"
LIMIT = {"unit": "usd", "limit": "25"}


@pytest.fixture
def owner(client_of):
    return client_of("owner")


def test_budgets_of_a_workspace_an_agent_and_a_customer_are_set_up_and_changed(cast, owner):
    create_agent(workspace=cast.workspace, name="desk", title="The desk", by=SETUP)
    bodies = [
        {"scope_kind": "workspace", "period": "month"},
        {"scope_kind": "agent", "agent": "desk", "period": "day"},
        {"scope_kind": "customer", "subject_ref": "42"},
    ]
    answers = [owner.post(API, {**LIMIT, **body}, format="json") for body in bodies]
    assert [answer.status_code for answer in answers] == [201] * 3, [answer.content for answer in answers]
    assert {row["name"] for row in owner.get(API).json()["results"]} == {
        "the workspace Here", "the agent The desk", "customer 42",
    }  # fmt: skip
    (daily,) = owner.get(API, {"scope_kind": "agent"}).json()["results"]
    assert daily["begins_anew_on"] == (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    raised = owner.patch(f"{API}{daily['id']}/", {"limit": "30.5"}, format="json").json()
    assert (raised["limit"], raised["is_enabled"]) == ("30.500000", True)
    assert owner.post(API, {**LIMIT, **bodies[1]}, format="json").json()["detail"] == (
        "There is such a budget of the agent The desk already."
    )


@pytest.mark.parametrize(
    ("body", "sentence", "field"),
    [
        ({"scope_kind": "workspace", "unit": "EUR"}, "A budget in EUR cannot be kept", "unit"),
        ({"scope_kind": "agent"}, "Say which agent's budget it is.", "agent"),
        ({"scope_kind": "customer"}, "Say whose budget it is.", "subject_ref"),
        ({"scope_kind": "agent", "agent": "nobody"}, "", "agent"),
        ({"scope_kind": "run"}, "", "scope_kind"),
        ({"scope_kind": "workspace", "limit": "-1"}, "", "limit"),
    ],
)
def test_a_budget_that_could_not_be_kept_is_refused(cast, owner, body, sentence, field):
    answer = owner.post(API, {**LIMIT, **body}, format="json")
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert list(answer.json()["errors"]) == [field]
    assert not Budget.objects.exists()
