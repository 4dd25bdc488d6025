"""Pausing and releasing over the API, scope by scope."""

import pytest

from agents.api import pauses
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db
PAUSES = "/api/v1/pauses/"


def pause(client, kind, scope_id, **more):
    return client.post(PAUSES, {"scope_kind": kind, "scope_id": str(scope_id), "reason": "Look first", **more})


def test_paused_run_rests_until_it_is_released(desk, client_of):
    customer = desk.crm.anybody("standard")
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    client = client_of("reviewer")
    made = pause(client, "run", run.id)
    assert made.status_code == 201, made.content
    assert made.json()["in_flight"] == []
    assert [one["id"] for one in client.get(f"/api/v1/runs/{run.id}/").json()["pauses"]] == [made.json()["id"]]
    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.rest(run)
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    released = client.post(f"{PAUSES}{made.json()['id']}/release/")
    assert released.json()["released_by"]["name"] == "Reviewer"
    desk.rest(run)
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert client.post(f"{PAUSES}{made.json()['id']}/release/").status_code == 409
    assert client.get(f"{PAUSES}?live=true").json()["results"] == []
    assert len(client.get(f"{PAUSES}?live=false").json()["results"]) == 1


def test_in_flight_actions_are_shown_and_counted_beyond_that(desk, client_of, monkeypatch):
    desk.mailbox.drop_after_data = True
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    desk.answer(desk.request_for(run, "mail.reply"))
    desk.rest(run)
    made = pause(client_of("reviewer"), "run", run.id).json()
    assert [(one["tool"]["name"], one["status"]) for one in made["in_flight"]] == [("mail.reply", "in_doubt")]
    assert made["in_flight_count"] == 1
    monkeypatch.setattr(pauses, "MOST_IN_FLIGHT", 0)
    many = pause(client_of("reviewer"), "agent", desk.desk.agent.id).json()
    assert (many["in_flight"], many["in_flight_count"]) == ([], 1)


def test_every_scope_needs_its_right(desk, client_of):
    desk_, owner, reviewer, member = desk.desk, client_of("owner"), client_of("reviewer"), client_of("member")
    scopes = [
        ("workspace", desk.cast.workspace.id, 403, 403),
        ("agent", desk_.agent.id, 201, 404),
        ("tool", desk_.send.id, 403, 403),
        ("connection", desk_.mail.id, 403, 403),
    ]
    for kind, scope_id, reviewers, members in scopes:
        assert pause(member, kind, scope_id).status_code == members, kind
        answer = pause(reviewer, kind, scope_id)
        assert answer.status_code == reviewers, answer.content
        if reviewers == 403:
            assert pause(owner, kind, scope_id).status_code == 201, kind
        assert pause(owner, kind, scope_id).json()["code"] == "stale_state"
    assert len(owner.get(PAUSES).json()["results"]) == 4
    assert {one["scope_kind"] for one in reviewer.get(PAUSES).json()["results"]} == {"workspace", "agent"}
    assert [one["scope_kind"] for one in member.get(PAUSES).json()["results"]] == ["workspace"]


def test_member_releases_nothing(desk, client_of):
    made = pause(client_of("owner"), "workspace", desk.cast.workspace.id).json()
    assert client_of("member").post(f"{PAUSES}{made['id']}/release/").status_code == 403
    assert client_of("stranger").post(f"{PAUSES}{made['id']}/release/").status_code == 404


@pytest.mark.parametrize("kind", ["agent", "run", "tool", "connection", "workspace"])
def test_invariant_14_foreign_scopes_cannot_be_paused(cast, client_of, kind):
    wanted = cast.elsewhere.id if kind == "workspace" else uuid7()
    assert pause(client_of("owner"), kind, wanted).status_code == (422 if kind == "workspace" else 404)
