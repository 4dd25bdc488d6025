"""Reading over the API: who sees what, foreign is absent, and no count of statements grows with rows."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from agents.api import serializers
from agents.operations import cancel_run, preview_rollback, start_run
from approvals.models import Policy, Request
from memory.models import Session
from tools.models import Action
from workspaces.ids import uuid7
from workspaces.models import Pause
from workspaces.operations import pauses

pytestmark = pytest.mark.django_db
LISTS = {
    "agents": {"owner", "reviewer", "finance", "service"},
    "runs": {"owner", "reviewer", "finance", "service"},
    "actions": {"owner", "reviewer", "finance", "service"},
    "sessions": {"owner", "reviewer", "finance", "service"},
    "requests": {"owner", "reviewer", "finance"},
    "queues": {"owner", "reviewer", "finance"},
    "tools": {"owner"},
    "connections": {"owner"},
    "policies": {"owner"},
    "events": {"owner"},
    "pauses": {"owner", "reviewer", "finance", "service", "member"},
}
OWNERS_ONLY = {"tools", "policies", "events", "seals"}
PEOPLE = ["owner", "reviewer", "finance", "member", "service", "stranger"]


@pytest.fixture
def busy(desk):
    """A desk with one run that waits for people, and a paused workspace."""
    here, owner = desk.cast.workspace, desk.cast.owner

    def begin():
        run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
        pauses.pause(workspace=here, scope_kind="workspace", scope_id=here.id, reason="Audit", by=owner)
        return run

    return desk, desk.begin("busy", begin)


@pytest.fixture
def caller(cast, client_of, service_client):
    return lambda name: service_client if name == "service" else client_of(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_sees_exactly_what_they_may(busy, caller, name):
    client = caller(name)
    for noun, seers in LISTS.items():
        answer = client.get(f"/api/v1/{noun}/")
        if name == "stranger" and noun in OWNERS_ONLY:
            desk_ids = str(busy[0].cast.workspace.id)
            assert answer.status_code == 200
            assert desk_ids not in answer.content.decode()
            assert noun == "events" or answer.json()["results"] == []
        elif name in seers:
            assert answer.status_code == 200, (noun, answer.content)
            assert answer.json()["results"], noun
        elif noun in OWNERS_ONLY:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), noun
        else:
            assert (answer.status_code, answer.json()["results"]) == (200, []), noun


def details(desk, run):
    action = Action.objects.filter(run_id=run.id).first()
    request = Request.objects.filter(run_id=run.id).first()
    session = Session.objects.get()
    yield "agents/{}/", desk.desk.agent.id
    yield "agents/{}/versions/", desk.desk.agent.id
    yield "runs/{}/", run.id
    yield "runs/{}/steps/", run.id
    yield "runs/{}/usage/", run.id
    yield "runs/{}/rollbacks/", run.id
    yield "actions/{}/", action.id
    yield "requests/{}/", request.id
    yield "requests/{}/decisions/", request.id
    yield "sessions/{}/", session.id
    yield "sessions/{}/messages/", session.id
    yield "tools/{}/", desk.desk.send.id
    yield "connections/{}/", desk.desk.crm.id
    yield "policies/{}/", Policy.objects.get().id
    yield "policies/{}/versions/", Policy.objects.get().id


def test_invariant_14_foreign_is_absent_by_the_same_statements(busy, caller):
    stranger, owner = caller("stranger"), caller("owner")
    for path, row_id in details(*busy):
        assert owner.get("/api/v1/" + path.format(row_id)).status_code == 200, path
        answers = []
        for wanted in (row_id, uuid7()):
            with CaptureQueriesContext(connection) as statements:
                answer = stranger.get("/api/v1/" + path.format(wanted))
            answers.append([answer.status_code, answer.json(), *(shape(one, wanted) for one in statements)])
        for foreign, absent in zip(*answers, strict=True):
            assert foreign == absent, path
        assert answers[0][0] == 404, path


def shape(statement, row_id):
    """Return a statement without the id asked for and without the time of day."""
    return re.sub(r"'\d{4}-\d\d-\d\d [^']*'", "TIME", statement["sql"].replace(row_id.hex, "ID"))


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("post", "runs/{run}/cancel/", {}),
        ("post", "runs/{run}/rollbacks/", {}),
        ("post", "runs/{run}/confirm/", {"plan_digest": "0" * 64}),
        ("post", "requests/{request}/decisions/", {"kind": "approve", "seen": "0" * 64}),
        ("post", "pauses/{pause}/release/", {}),
    ],
)
def test_invariant_14_foreign_cannot_be_changed(busy, caller, verb, path, body):
    _, run = busy
    ids = {"run": run.id, "request": Request.objects.first().id, "pause": Pause.objects.get().id}
    answers = []
    for row in (ids, dict.fromkeys(ids, uuid7())):
        answer = getattr(caller("stranger"), verb)("/api/v1/" + path.format(**row), body)
        answers.append((answer.status_code, answer.json()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_anonymous_and_disabled_reach_nothing(busy, cast):
    anonymous, disabled = APIClient(), APIClient()
    disabled.force_login(cast.disabled, backend="django.contrib.auth.backends.ModelBackend")
    for noun in [*LISTS, "seals", "me"]:
        assert anonymous.get(f"/api/v1/{noun}/").status_code == 401
        assert disabled.get(f"/api/v1/{noun}/").status_code == 401


def test_reviewer_without_rights_on_the_agent_controls_nothing(busy, caller):
    _, run = busy
    answer = caller("member").post(f"/api/v1/runs/{run.id}/cancel/")
    assert answer.status_code == 404


def test_number_of_statements_does_not_grow_with_rows(busy, caller):
    desk, run = busy
    owner = caller("owner")
    paths = [f"{noun}/" for noun in LISTS] + [path.format(row_id) for path, row_id in details(desk, run)]

    def count():
        found = {}
        for path in paths:
            with CaptureQueriesContext(connection) as statements:
                assert owner.get(f"/api/v1/{path}").status_code == 200, path
            found[path] = len(statements)
        return found

    pauses.release(pause=Pause.objects.get(), by=desk.cast.owner)
    count()
    before = count()
    for customer in ("silver", "gold", "standard"):
        desk.start(f"Please change the note of {desk.crm.anybody(customer)['email']} to: called")
    start_run(agent_id=desk.desk.agent.id, text="Nobody", by=desk.cast.reviewer)
    assert count() == before
    assert max(before.values()) <= 12


def test_me_says_what_the_key_opens(cast, service_client):
    answer = service_client.get("/api/v1/me/").json()
    assert answer.pop("key")["name"] == "tests"
    assert answer == {
        "user": {"id": str(cast.service.id), "name": "desk", "is_service": True},
        "workspace": {"id": str(cast.workspace.id), "name": "Here", "slug": "here"},
        "role": "member",
    }


@pytest.mark.parametrize("offset", ["+23:30", "-21:45", "Z", ""])
def test_time_with_any_offset_is_understood(desk, caller, offset):
    answer = caller("owner").get("/api/v1/events/", {"since": f"2026-01-31T09:30:00{offset}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "events/?since=0001-01-01T00:00:00%2B14:00",
        "runs/?status=sleeping",
        "runs/?since=yesterday",
        "actions/?run=x",
        "requests/?kind=%00",
    ],
)
def test_unusable_filter_is_refused_with_a_sentence(desk, caller, query):
    answer = caller("owner").get(f"/api/v1/{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"]


def test_filters_narrow(busy, caller):
    _, run = busy
    owner = caller("owner")
    assert owner.get("/api/v1/runs/?status=waiting&agent=support-desk").json()["results"][0]["id"] == str(run.id)
    for query in ("runs/?status=failed", "runs/?until=2020-01-01T00:00:00Z", "actions/?tool=nothing"):
        assert owner.get(f"/api/v1/{query}").json()["results"] == [], query
    verbs = {event["verb"] for event in owner.get(f"/api/v1/events/?subject_id={run.id}").json()["results"]}
    assert "run.queued" in verbs


def test_run_names_its_newest_rollbacks_and_counts_them_all(desk, service_client, monkeypatch):
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    cancel_run(run_id=run.id, by=desk.cast.reviewer)
    made = [preview_rollback(run_id=run.id, by=desk.cast.reviewer).id for _ in range(3)]
    answer = service_client.get(f"/api/v1/runs/{run.id}/").json()
    assert (answer["rollbacks"], answer["rollback_count"]) == ([str(one) for one in made], 3)
    monkeypatch.setattr(serializers, "MOST_ROLLBACKS", 2)
    answer = service_client.get(f"/api/v1/runs/{run.id}/").json()
    assert (answer["rollbacks"], answer["rollback_count"]) == ([str(one) for one in made[1:]], 3)
