"""Agents, versions, routes and pauses in the admin; runs, steps, conversations and the ledger to read."""

import json
from decimal import Decimal

import pytest
from django.urls import reverse

from agents.models import Agent, AgentGrant, AgentVersion, ModelRoute, Rate, Run, Step, Worker
from audit.ledger.models import Event
from memory.models import Message
from tests.admin_pages import Pages, events, said
from tools.models import Budget
from workspaces.models import Pause

pytestmark = pytest.mark.django_db

DEMO = json.dumps([{"provider": "demo", "model": "demo-planner"}])


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


def test_agent_is_set_up_from_route_to_version(cast, pages, desk):
    place = {"workspace": cast.workspace.pk}
    assert pages.add(ModelRoute, **place, name="spare", endpoints=DEMO, max_output_tokens=100).status_code == 302
    assert pages.add(Agent, **place, name="clerk", title="Clerk").status_code == 302
    agent, route = Agent.objects.get(name="clerk"), ModelRoute.objects.get(name="spare")
    form = {"agent": agent.pk, "goal": "Help.", "route": route.pk, "tools": [desk.desk.find.pk]}
    limits = {"step_limit": 5, "calls_per_turn": 2, "subject": ""}
    assert pages.add(AgentVersion, **form, **limits).status_code == 302
    version = AgentVersion.objects.get(agent=agent)
    assert (list(version.tools.all()), version.created_by) == ([desk.desk.find], cast.owner)
    assert pages.get(version, "change").status_code == 200
    assert pages.change(version, goal="Harm.").status_code == 403
    verbs = ("route.created", "agent.created", "agent.version_published")
    assert [events(verb, cast.owner) for verb in verbs] == [1, 1, 1]


def test_agent_is_disabled_and_enabled(cast, pages, desk):
    for verb, expected in (("disable", False), ("disable", False), ("enable", True)):
        pages.act(verb, desk.desk.agent)
        assert Agent.objects.get().is_enabled is expected
    assert [events(f"agent.{verb}", cast.owner) for verb in ("disabled", "enabled")] == [1, 1]


def test_endpoint_that_is_not_understood_is_said_in_the_form(cast, pages):
    form = {"workspace": cast.workspace.pk, "name": "x", "max_output_tokens": 100}
    assert "no provider" in said(pages.add(ModelRoute, **form, endpoints='[{"provider": "oracle"}]'))
    assert "at least one endpoint" in said(pages.add(ModelRoute, **form, endpoints=""))


def test_route_is_changed_by_the_operation(cast, pages, desk):
    assert pages.change(desk.desk.route, endpoints=DEMO, max_output_tokens=99).status_code == 302
    desk.desk.route.refresh_from_db()
    assert desk.desk.route.max_output_tokens == 99
    assert events("route.changed", cast.owner) == 1


def test_pause_is_put_in_force_and_released(cast, pages, desk):
    form = {"workspace": cast.workspace.pk, "scope_kind": "agent", "scope_id": desk.desk.agent.pk, "reason": "Look."}
    assert pages.add(Pause, **form).status_code == 302
    assert "paused already" in said(pages.add(Pause, **form))
    assert "no such agent" in said(pages.add(Pause, **{**form, "scope_id": cast.workspace.pk}))
    pages.act("release", Pause.objects.get())
    assert Pause.objects.get().released_by == cast.owner
    assert [events(verb, cast.owner) for verb in ("pause.started", "pause.released")] == [1, 1]


def test_budget_is_set_up_and_raised_by_the_operations(cast, pages, desk):
    form = {"workspace": cast.workspace.pk, "scope_kind": "agent", "unit": "usd", "period": "day", "limit": "5"}
    assert "which agent" in said(pages.add(Budget, **form))
    assert pages.add(Budget, **form, agent=desk.desk.agent.pk).status_code == 302
    budget = Budget.objects.get()
    assert (budget.name, budget.limit) == ("the agent Support desk", Decimal(5))
    assert pages.change(budget, limit="7", is_enabled="on").status_code == 302
    budget.refresh_from_db()
    assert (budget.limit, budget.is_enabled) == (Decimal(7), True)
    assert [events(verb, cast.owner) for verb in ("budget.created", "budget.changed")] == [1, 1]


def test_rate_is_stated_by_the_operation(cast, pages, desk):
    form = {"workspace": cast.workspace.pk, "kind": "task_value", "amount": "6.5"}
    assert "Say whose it is." in said(pages.add(Rate, **form))
    assert pages.add(Rate, **form, agent=desk.desk.agent.pk).status_code == 302
    assert Rate.objects.get().amount == Decimal("6.5")
    assert events("rate.stated", cast.owner) == 1


def test_rows_are_read_by_constant_statements_and_not_by_strangers(cast, pages, desk):
    lists = (Agent, AgentVersion, AgentGrant, Run, Step, Worker, Event, Message)
    text = f"Please upgrade {desk.crm.anybody()['email']} to tier gold."
    desk.start(text)
    Worker.objects.get_or_create(name="worker-of-the-test")
    before, theirs = pages.lists(lists), Pages(cast.stranger)
    desk.start(text)
    assert pages.lists(lists) == before
    for row in (model.objects.first() for model in lists):
        seen = (pages.get(row, "change").status_code, theirs.get(row, "change").status_code)
        assert seen == (200, 200 if isinstance(row, Worker) else 404), row
        if isinstance(row, (Run, Step, Worker, Event, Message)):
            assert pages.change(row).status_code == 403


def test_front_page_asks_few_statements(pages, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        assert pages.client.get(reverse("admin:index")).status_code == 200
