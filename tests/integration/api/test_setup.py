"""Setting a desk up by API alone: route, connection, tools, agent, version; then it takes a task."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.models import Agent, AgentVersion, EndpointState, ModelRoute
from audit.ledger.models import Event
from tools.models import Tool
from tools.states import Effect

pytestmark = pytest.mark.django_db
API = "/api/v1/"
DEMO = [{"provider": "demo", "model": "rules"}]
NOTE = {
    "name": "mail.send",
    "title": "Send a mail",
    "description": "Send a reply to the person who wrote.",
    "operation": "mail.send",
    "options": {"from": "desk@example.com"},
}


def problem(answer):
    return answer.status_code, answer.json()["detail"], answer.json().get("errors")


@pytest.fixture
def owner(cast, client_of):
    client = client_of("owner")

    def send(method, path, **body):
        answer = getattr(client, method)(API + path, body, format="json")
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    client.send = send
    return client


@pytest.fixture
def mail(owner):
    config = {"host": "mail.example", "port": 25, "security": "tls"}
    return owner.send("post", "connections/", name="mail", kind="smtp", config=config, secret={})


def test_a_desk_is_set_up_and_takes_a_task(owner, mail):
    owner.send("post", "routes/", name="planner", endpoints=DEMO)
    owner.send("post", "tools/", connection=mail["id"], **NOTE)
    agent = owner.send("post", "agents/", name="desk", title="The desk")
    refused = owner.post(f"{API}runs/", {"agent": "desk", "text": "Hello"}, HTTP_IDEMPOTENCY_KEY="early")
    assert refused.status_code == 409, refused.content
    body = {"goal": "Answer people.", "route": "planner", "tools": ["mail.send"], "budget_usd": "0.50"}
    version = owner.send("post", f"agents/{agent['id']}/versions/", **body)
    assert (version["number"], version["tools"], version["budget_usd"]) == (1, ["mail.send"], "0.500000")
    run = owner.post(f"{API}runs/", {"agent": "desk", "text": "Hello"}, HTTP_IDEMPOTENCY_KEY="late")
    assert (run.status_code, run.json()["version"]) == (201, 1)
    verbs = set(Event.objects.values_list("verb", flat=True))
    assert verbs >= {"run.queued", "route.created", "tool.created", "agent.created", "agent.version_published"}


def test_a_disabled_agent_takes_no_task_until_it_is_enabled(desk, client_of):
    client, path = client_of("owner"), f"{API}agents/{desk.desk.agent.id}/"
    assert client.patch(path, {"is_enabled": False}).json()["is_enabled"] is False
    assert client.patch(path, {"is_enabled": False}).status_code == 409
    task = {"agent": desk.desk.agent.name, "text": "Hello"}
    assert client.post(f"{API}runs/", task, HTTP_IDEMPOTENCY_KEY="1").status_code == 409
    client.patch(path, {"is_enabled": True})
    assert client.post(f"{API}runs/", task, HTTP_IDEMPOTENCY_KEY="2").status_code == 201


def test_published_versions_stay_and_the_newest_is_current(desk, client_of):
    agent, owner = desk.desk.agent, client_of("owner")
    first = agent.current_version
    body = {"goal": "Another goal.", "route": first.route.name, "tools": []}
    made = owner.post(f"{API}agents/{agent.id}/versions/", body, format="json")
    assert made.status_code == 201, made.content
    assert owner.get(f"{API}agents/{agent.id}/").json()["current_version"]["goal"] == "Another goal."
    assert AgentVersion.objects.get(pk=first.pk).goal == first.goal


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"route": "nowhere"}, "route"),
        ({"tools": ["telepathy"]}, "tools"),
        ({"step_limit": 0}, "step_limit"),
        ({"budget_usd": "-1"}, "budget_usd"),
        ({"goal": ""}, "goal"),
    ],
)
def test_a_version_that_does_not_fit_is_refused_by_field(desk, client_of, change, field):
    agent = desk.desk.agent
    body = {"goal": "Help.", "route": agent.current_version.route.name, "tools": [], **change}
    answer = client_of("owner").post(f"{API}agents/{agent.id}/versions/", body, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert agent.versions.count() == 1


def test_another_workspaces_route_and_tools_are_not_there(desk, cast, client_of):
    stranger = client_of("stranger")
    made = stranger.post(f"{API}agents/", {"name": "theirs", "title": "Theirs"}).json()
    body = {"goal": "Help.", "route": desk.desk.agent.current_version.route.name, "tools": [desk.desk.send.name]}
    answer = stranger.post(f"{API}agents/{made['id']}/versions/", body, format="json")
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"route", "tools"})
    tool = {**NOTE, "connection": str(desk.desk.crm.id)}
    assert stranger.post(f"{API}tools/", tool, format="json").status_code == 404


def test_a_tool_may_only_be_stricter_than_its_operation(owner, mail):
    made = owner.send("post", "tools/", connection=mail["id"], **NOTE)
    answer = owner.patch(f"{API}tools/{made['id']}/", {"effect": Effect.READ}, format="json")
    assert (answer.status_code, "lenient" in answer.json()["detail"]) == (422, True)
    assert Tool.objects.get().effect == Effect.IRREVERSIBLE


def test_a_change_of_a_tool_keeps_what_is_left_out(owner, mail):
    made = owner.send("post", "tools/", connection=mail["id"], moves_money=True, **NOTE)
    assert made["moves_money"] is True
    changed = owner.send("patch", f"tools/{made['id']}/", title="Reply", is_enabled=False)
    assert changed == {**made, "title": "Reply", "is_enabled": False, "updated_at": changed["updated_at"]}
    assert owner.patch(f"{API}tools/{made['id']}/", {}, format="json").status_code == 422
    assert owner.send("patch", f"tools/{made['id']}/", deadline_seconds=900)["deadline_seconds"] == 900
    assert owner.send("patch", f"tools/{made['id']}/", title="Note")["deadline_seconds"] == 900
    assert owner.patch(f"{API}tools/{made['id']}/", {"deadline_seconds": 3601}, format="json").status_code == 422


def test_names_are_taken_once(owner, mail):
    route = {"name": "planner", "endpoints": DEMO}
    tool = {**NOTE, "connection": mail["id"]}
    for path, body in (("routes/", route), ("tools/", tool), ("agents/", {"name": "desk", "title": "Desk"})):
        assert owner.post(API + path, body, format="json").status_code == 201
        answer = owner.post(API + path, body, format="json")
        assert (answer.status_code, "already" in answer.json()["detail"]) == (422, True)
    assert (ModelRoute.objects.count(), Tool.objects.count(), Agent.objects.count()) == (1, 1, 1)


def test_a_route_shows_how_its_endpoints_do_and_refuses_impossible_limits(owner, cast):
    paid = {"provider": "openai-chat", "model": "m", "base_url": "http://127.0.0.1:1", "at_once": 3}
    made = owner.send("post", "routes/", name="paid", endpoints=[paid, *DEMO])
    assert [one["state"] for one in made["standings"]] == ["closed", "closed"]
    until = datetime.now(UTC) + timedelta(minutes=1)
    named = {"provider": "openai-chat", "model": "m", "base_url": "http://127.0.0.1:1"}
    told = {"opened_until": until, "failures": 5, "explanation": "It broke."}
    EndpointState.objects.create(workspace=cast.workspace, digest="d", **named, **told)
    shown = owner.get(f"{API}routes/{made['id']}/").json()["standings"]
    assert (shown[0]["state"], shown[0]["failures"], shown[0]["explanation"]) == ("open", 5, "It broke.")
    assert shown[1]["state"] == "closed"
    answer = owner.patch(f"{API}routes/{made['id']}/", {"endpoints": [{**paid, "at_once": 0}]}, format="json")
    assert (answer.status_code, "at_once" in str(answer.json()["errors"])) == (422, True)


def test_a_route_keeps_what_is_left_out_and_refuses_unknown_providers(owner):
    made = owner.send("post", "routes/", name="planner", endpoints=DEMO, max_output_tokens=99)
    changed = owner.send("patch", f"routes/{made['id']}/", endpoints=[*DEMO, *DEMO])
    assert (len(changed["endpoints"]), changed["max_output_tokens"]) == (2, 99)
    answer = owner.patch(f"{API}routes/{made['id']}/", {"endpoints": [{"provider": "oracle"}]}, format="json")
    assert (answer.status_code, "oracle" in answer.json()["detail"]) == (422, True)
    assert owner.patch(f"{API}routes/{made['id']}/", {}, format="json").status_code == 422
