"""Environments as people and programs see them: begun, shown, filtered, counted apart, and rolled back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.economics import economics_of
from agents.engine.limits import budget_scopes
from agents.engine.repair import next_compensation
from agents.models import Run
from agents.operations import confirm_rollback, preview_rollback, start_run
from agents.states import RunStatus
from memory.operations.facts import Origin, Subject, claim_fact
from memory.operations.sessions import session_for
from tests.factories import SETUP
from tools.models import Action, Connection, UsageRecord
from tools.operations import create_connection, update_connection
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
PERIOD = (TODAY, TODAY + timedelta(days=1))


@pytest.fixture
def tried(house):
    """The house in a sandbox run, whose tools lead to a sandbox connection."""
    where = {"workspace": house.cast.workspace, "kind": "spy", "secret": {}, "by": SETUP}
    twin = create_connection(name="spy-sandbox", config={"place": "sandbox"}, environment="sandbox", **where)
    update_connection(connection=house.connection, sandbox=twin, by=SETUP)
    house.run = start_run(agent_id=house.agent.id, text="Try it.", by=house.cast.owner, environment="sandbox")
    return house


def called(run, cost):
    UsageRecord.objects.create(
        workspace_id=run.workspace_id, step_id=uuid7(), run_id=run.id, agent_id=run.agent_id, attempt=1, provider="p",
        model="m", latency_ms=1, outcome="answered", cost=Decimal(cost), environment=run.environment,
    )  # fmt: skip


def test_a_run_is_begun_and_found_by_its_environment(tried, client_of):
    client = client_of("owner")
    said = {"agent": "agent", "text": "Hi", "environment": "sandbox"}
    made = client.post("/api/v1/runs/", said, HTTP_IDEMPOTENCY_KEY=str(uuid7()))
    assert (made.status_code, made.json()["environment"]) == (201, "sandbox")
    left_out = client.post("/api/v1/runs/", {"agent": "agent", "text": "Hi"}, HTTP_IDEMPOTENCY_KEY=str(uuid7()))
    assert left_out.json()["environment"] == "live"
    found = client.get("/api/v1/runs/?environment=sandbox").json()["results"]
    assert {run["environment"] for run in found} == {"sandbox"}
    assert len(found) == 2


@pytest.mark.parametrize("environment", ["LIVE", "production", "", None, ["live"], {"a": 1}, 1, "sandbox "])
def test_an_environment_that_there_is_not_is_refused(house, client_of, environment):
    said = {"agent": "agent", "text": "Hi", "environment": environment}
    answer = client_of("owner").post("/api/v1/runs/", said, "json", HTTP_IDEMPOTENCY_KEY=str(uuid7()))
    assert answer.status_code == 422, answer.content
    assert "environment" in answer.json()["errors"]
    assert Run.objects.count() == 1


def test_a_counterpart_is_named_by_its_id_and_foreign_ones_are_not_there(tried, client_of, cast):
    owner = client_of("owner")
    twin = Connection.objects.get(name="spy-sandbox")
    way = f"/api/v1/connections/{tried.connection.id}/"
    assert owner.get(way).json()["sandbox"] == str(twin.id)
    assert owner.patch(way, {"sandbox": None}, "json").json()["sandbox"] is None
    assert owner.patch(way, {"sandbox": str(twin.id)}, "json").json()["sandbox"] == str(twin.id)
    foreign = create_connection(
        workspace=cast.elsewhere, name="x", kind="spy", config={}, secret={}, environment="sandbox", by=SETUP
    )
    answers = [owner.patch(way, {"sandbox": str(one)}, "json") for one in (foreign.id, uuid7())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert owner.patch(way, {"sandbox": str(tried.connection.id)}, "json").status_code == 422
    made = owner.post("/api/v1/connections/", _new(sandbox=str(twin.id)), "json")
    assert (made.status_code, made.json()["sandbox"]) == (201, str(twin.id))
    assert owner.patch(way, {"environment": "sandbox"}, "json").status_code == 422


def _new(**more):
    return {"name": "second", "kind": "spy", "config": {}, "secret": {}, **more}


def test_pages_mark_what_is_of_the_sandbox(tried, client, cast):
    request = tried.asked()
    client.force_login(cast.reviewer)
    for page in ("/inbox/", f"/requests/{request.id}/"):
        assert ">Sandbox</span>" in client.get(page).content.decode(), page
    client.force_login(cast.owner)
    for page in (f"/runs/{tried.run.id}/", "/runs/?environment=sandbox"):
        assert ">Sandbox</span>" in client.get(page).content.decode(), page
    assert ">Sandbox</span>" not in client.get("/runs/?environment=live").content.decode()


def test_the_form_begins_a_run_where_it_says(tried, client, cast):
    client.force_login(cast.owner)
    said = {"agent": str(tried.agent.id), "text": "In the form", "environment": "sandbox"}
    assert client.post("/runs/new/", said).status_code == 302
    run = Run.objects.get(title="In the form")
    assert run.environment == "sandbox"
    again = client.get(f"/runs/new/?like={run.id}").content.decode()
    assert '<option value="sandbox" selected>' in again
    refused = client.post("/runs/new/", {**said, "environment": "moon", "text": "Kept"})
    assert refused.status_code == 422
    assert "Kept" in refused.content.decode()


def test_requests_say_in_which_environment_they_are(tried, client_of):
    request = tried.asked()
    client = client_of("reviewer")
    assert client.get(f"/api/v1/requests/{request.id}/").json()["environment"] == "sandbox"
    assert client.get("/api/v1/requests/").json()["results"][0]["environment"] == "sandbox"
    assert request.evidence["action"]["environment"] == request.evidence["run"]["environment"] == "sandbox"


def test_sandbox_runs_do_not_count_into_the_live_cost_of_a_success(tried, client_of):
    live = start_run(agent_id=tried.agent.id, text="Live", by=tried.cast.owner)
    for run, cost in ((live, "2"), (tried.run, "5")):
        called(run, cost)
        Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
    found = economics_of([tried.agent], *PERIOD)[tried.agent.id]
    assert (found.environment, found.runs, found.cost_per_success) == ("live", 1, Decimal(2))
    client = client_of("owner")
    asked = client.get("/api/v1/economics/?environment=sandbox").json()["results"][0]
    assert (asked["environment"], Decimal(asked["cost_per_success"])) == ("sandbox", Decimal(5))
    groups = client.get("/api/v1/usage/?group_by=environment").json()["results"]
    assert [(row["label"], Decimal(row["known_cost"])) for row in groups] == [
        ("Live", Decimal(2)),
        ("Sandbox", Decimal(5)),
    ]
    only = client.get("/api/v1/usage/?environment=live").json()["results"]
    assert [Decimal(row["known_cost"]) for row in only] == [2]
    client.force_login(tried.cast.owner)
    assert "5.00" not in client.get("/usage/?environment=live").content.decode()


def test_a_customers_budget_is_of_live_runs(tried, client_of):
    session = session_for(
        workspace_id=tried.run.workspace_id, agent_id=tried.agent.id, subject_kind="customer", subject_ref="7",
        environment="sandbox", by=SETUP,
    )  # fmt: skip
    tried.run.session = session
    assert budget_scopes(tried.run) == tried.run.scopes
    said = {"scope_kind": "customer", "subject_ref": "7", "unit": "steps", "limit": "5"}
    client = client_of("owner")
    assert client.post("/api/v1/budgets/", said, "json").json()["environments"] == ["live"]
    whole = client.post("/api/v1/budgets/", {"scope_kind": "workspace", "unit": "steps", "limit": "5"}, "json")
    assert whole.json()["environments"] == ["sandbox", "live"]


def test_what_is_remembered_in_the_sandbox_is_not_known_to_live_runs(tried):
    known = {"workspace_id": tried.run.workspace_id, "agent_id": tried.agent.id}
    box = Subject(**known, kind="customer", ref="7", environment="sandbox")
    claim_fact(subject=box, key="language", value="de", origin=Origin("ticket", "untrusted"), by=SETUP)
    assert Subject(**known, kind="customer", ref="7").valid("language") is None
    assert box.valid("language").value == "de"
    sessions = [
        session_for(**known, subject_kind="customer", subject_ref="7", environment=one, by=SETUP)
        for one in ("sandbox", "live")
    ]
    assert sessions[0] != sessions[1]


def test_a_sandbox_run_is_rolled_back_in_the_sandbox(tried):
    done = tried.execute(tried.approved("change"))
    Run.objects.filter(pk=tried.run.pk).update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())
    preview = preview_rollback(run_id=tried.run.id, by=tried.cast.owner)
    assert (preview.environment, preview.plan[0]["verdict"]) == ("sandbox", "restore")
    confirm_rollback(rollback_id=preview.id, plan_digest=preview.plan_digest, by=tried.cast.owner)
    undo = Action.objects.get(compensates=done)
    assert undo.environment == "sandbox"
    undone = tried.execute(tried.clear(undo))
    assert (undone.status, tried.world.record["value"]) == ("succeeded", "old")
    assert set(tried.world.reached) == {"sandbox"}
    assert not next_compensation(Run.objects.get(pk=preview.pk))
