"""Usage by day, agent, customer, run and step: added up right, and only of what the caller may see."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.models import Run, Step
from agents.operations import create_agent, start_run
from memory.operations import session_for
from tests.factories import SETUP
from tools.models import UsageRecord
from workspaces.operations import teams

pytestmark = pytest.mark.django_db
API = "/api/v1/usage/"


def asked(run, cost="0.10", tokens=(100, 10), days_ago=0):
    """A model call of the run's first step."""
    step = Step.objects.filter(run=run).first()
    row = UsageRecord.objects.create(
        workspace_id=run.workspace_id, step_id=step.id, run_id=run.id, agent_id=run.agent_id, attempt=1,
        provider="p", model="m", input_tokens=tokens[0], output_tokens=tokens[1], latency_ms=5, outcome="answered",
        cost=Decimal(cost) if cost else None,
    )  # fmt: skip
    UsageRecord.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(days=days_ago))


@pytest.fixture
def used(house):
    """Two runs of one agent, the first about customer 42, and one of an agent that reviewers do not see."""
    cast = house.cast
    teams.grant(team=cast.reviewers, codename="view_agent", target=house.agent, by=SETUP)
    whose = {"subject_kind": "customer", "subject_ref": "42"}
    session = session_for(workspace_id=cast.workspace.id, agent_id=house.agent.id, by=SETUP, **whose)
    Run.objects.filter(pk=house.run.pk).update(session=session)
    second = start_run(agent_id=house.agent.id, text="Another task", by=cast.owner)
    hidden = create_agent(workspace=cast.workspace, name="hidden", title="Hidden", by=SETUP)
    for run, cost, ago in ((house.run, "0.10", 0), (house.run, "0.20", 1), (second, None, 1), (second, "0.05", 60)):
        asked(run, cost, days_ago=ago)
    UsageRecord.objects.filter(run_id=second.id, cost=None).update(input_tokens=None, output_tokens=None)
    asked(house.run, "9")
    UsageRecord.objects.filter(cost=9).update(agent_id=hidden.id)
    return house, second


def rows(client, **query):
    answer = client.get(API, query)
    assert answer.status_code == 200, answer.content
    return [(row["label"], row["calls"], row["known_cost"], row["unpriced_calls"]) for row in answer.json()["results"]]


def test_usage_adds_up_by_every_group(used, client_of):
    house, _ = used
    reviewer = client_of("reviewer")
    today, before = timezone.now().date(), timezone.now().date() - timedelta(days=1)
    assert rows(reviewer) == [(str(today), 1, "0.100000", 0), (str(before), 2, "0.200000", 1)]
    assert rows(reviewer, group_by="agent") == [("Agent", 3, "0.300000", 1)]
    by_customer = [("No customer known", 1, "0.000000", 1), ("customer 42", 2, "0.300000", 0)]
    assert rows(reviewer, group_by="customer") == by_customer
    assert rows(reviewer, group_by="run") == [("Another task", 1, "0.000000", 1), ("Please do it.", 2, "0.300000", 0)]
    assert rows(reviewer, group_by="step", run=str(house.run.id)) == [("Step 1 of Please do it.", 2, "0.300000", 0)]
    assert rows(reviewer, since=str(today)) == [(str(today), 1, "0.100000", 0)]
    assert rows(reviewer, since="2020-01-01", group_by="agent") == [("Agent", 4, "0.350000", 1)]


def test_usage_is_for_those_who_may_see_the_agents(used, client_of):
    assert [label for label, *_ in rows(client_of("owner"), group_by="agent")] == ["Hidden", "Agent"]
    for name in ("member", "finance", "stranger"):
        assert rows(client_of(name), group_by="agent") == rows(client_of(name), group_by="customer") == []


@pytest.mark.parametrize("group", ["day", "agent", "customer", "run", "step"])
def test_usage_costs_as_many_statements_for_many_rows_and_pages_hold(used, client_of, group, django_assert_num_queries):
    owner = client_of("owner")
    owner.get(API)
    with django_assert_num_queries(6 if group in {"agent", "run", "step"} else 5):
        whole = owner.get(API, {"group_by": group}).json()["results"]
    first = owner.get(API, {"group_by": group, "limit": 1}).json()
    found = first["results"]
    while first["next"]:
        first = owner.get(first["next"]).json()
        found += first["results"]
    assert found == whole
    wrong = owner.get(API, {"group_by": group, "cursor": "x"})
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["cursor"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"group_by": "moon"}, "group_by"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "until"),
        ({"until": "0001-01-01"}, "until"),
        ({"since": "yesterday"}, "since"),
        ({"run": "x"}, "run"),
    ],
)
def test_a_period_that_is_none_is_refused(cast, client_of, query, field):
    answer = client_of("owner").get(API, query)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


def test_the_page_shows_the_same_and_links_to_the_runs(used, client):
    house, second = used
    client.force_login(house.cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get("/usage/?by=run").content.decode()
    assert f'href="/runs/{second.id}/"' in text
    assert "and 1 call of unknown price" in text
    assert "9.30 USD" in text
    assert "customer 42" in client.get("/usage/?by=customer&days=90&agent=agent").content.decode()
    assert client.get("/usage/?by=moon&days=x&agent=x&page=0").status_code == 200
    client.force_login(house.cast.member, backend="django.contrib.auth.backends.ModelBackend")
    assert "Nothing was used yet" in client.get("/usage/").content.decode()
