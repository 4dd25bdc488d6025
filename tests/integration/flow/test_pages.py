"""Workflows on the pages of agents and runs, in the admin and over the API."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

from agents.models import AgentVersion, ModelRoute
from tests.admin_pages import Pages
from tests.flows import step_of

pytestmark = pytest.mark.django_db
NODES = {
    "look": {"kind": "code", "function": "same", "arguments": {"value": {"$": "input.n"}}, "next": "pause"},
    "pause": {"kind": "wait", "for_seconds": 60},
}


@pytest.fixture
def reviewer(house):
    client = Client()
    client.force_login(house.cast.reviewer)
    return client


def test_agents_page_shows_its_workflow(flows, reviewer):
    flows.publish(NODES)
    page = reviewer.get(f"/agents/{flows.agent.id}/").content.decode()
    assert "<h2>Workflow</h2>" in page
    assert "Calls same" in page


def test_agent_without_a_workflow_shows_none(house, reviewer):
    from tests.factories import SETUP
    from workspaces.operations import teams

    teams.grant(team=house.cast.reviewers, codename="view_agent", target=house.agent, by=SETUP)
    assert "<h2>Workflow</h2>" not in reviewer.get(f"/agents/{house.agent.id}/").content.decode()


def test_runs_page_shows_where_it_stands(flows, reviewer, django_assert_max_num_queries):
    run = flows.run(NODES, {"n": 1})
    with django_assert_max_num_queries(25):
        page = reviewer.get(f"/runs/{run.id}/").content.decode()
    assert "<h2>Workflow</h2>" in page
    assert "look: Function" in page
    assert "pause: It waits until" in page


def test_version_and_task_over_the_api(flows, house):
    client = APIClient()
    client.force_login(house.cast.owner)
    body = {"goal": "Be good.", "route": "default", "tools": [], "workflow": {"start": "look", "nodes": NODES}}
    sent = client.post(f"/api/v1/agents/{flows.agent.id}/versions/", body, format="json")
    assert (sent.status_code, sent.json()["workflow"]["start"]) == (201, "look")
    bad = {**body, "workflow": {"start": "gone", "nodes": NODES}}
    refused = client.post(f"/api/v1/agents/{flows.agent.id}/versions/", bad, format="json")
    assert (refused.status_code, "there is no node" in str(refused.json())) == (422, True)
    task = {"agent": "flow", "text": "", "data": {"n": 5}}
    begun = client.post("/api/v1/runs/", task, format="json", headers={"Idempotency-Key": "k"})
    assert (begun.status_code, begun.json()["input"]["data"]) == (201, {"n": 5})
    steps = client.get(f"/api/v1/runs/{begun.json()['id']}/steps/").json()["results"]
    assert (steps[0]["node"], steps[0]["thread"]) == ("look", "")


def test_version_in_the_admin(flows, house):
    pages = Pages(house.cast.owner)
    route = ModelRoute.objects.get(workspace=house.cast.workspace, name="default")
    form = {"agent": flows.agent.id, "goal": "Be good.", "route": route.id, "step_limit": 30, "calls_per_turn": 16}
    nodes = {"a": {"kind": "code", "function": "same", "arguments": {"value": 1}}}
    refused = pages.add(AgentVersion, **form, subject="", workflow=json.dumps({"start": "gone", "nodes": nodes}))
    assert (refused.status_code, "there is no node" in refused.content.decode()) == (200, True)
    taken = pages.add(AgentVersion, **form, subject="", workflow=json.dumps({"start": "a", "nodes": nodes}))
    assert taken.status_code == 302
    run = flows.rest(flows.start())
    assert (run.status, step_of(run, "a").output["value"]) == ("succeeded", 1)


def test_old_run_is_emptied_of_what_its_nodes_gave(flows):
    from agents.operations.emptying import RETENTION, empty_run

    secret = {"kind": "map", "over": ["secret"], "do": {"start": "b", "nodes": {"b": NODES["look"] | {"next": None}}}}
    run = flows.run({"a": secret}, {"n": "secret"})
    assert run.status == "succeeded", run.explanation
    assert empty_run(run_id=run.id, by=RETENTION)
    run.refresh_from_db()
    kept = [run.input, run.outcome, *run.steps.values_list("input", "output", "explanation")]
    assert "secret" not in str(kept)
