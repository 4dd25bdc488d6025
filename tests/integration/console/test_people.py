"""Owners see and change people, teams and rights in the console and over the API."""

import pytest

from agents.models import Agent
from audit.ledger.models import Event
from tests.factories import SETUP, make_person, make_team
from tools.models import Connection
from workspaces.access import role_in
from workspaces.models import Team
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


def verbs():
    return list(Event.objects.order_by("sequence").values_list("verb", flat=True))


def test_people_and_their_teams_are_listed_in_as_many_statements(cast, browse, statements):
    owner = browse("owner")
    before = statements(owner, "/people/")
    for number in range(4):
        make_team(cast.workspace, f"Team {number}", make_person(f"more{number}", cast.workspace))
    assert statements(owner, "/people/") == before <= 25
    page = text(owner.get("/people/"))
    assert "reviewer@example.com" in page
    assert "Reviewers" in page
    assert "Disabled" in page
    assert "stranger@example.com" not in page


def test_person_gets_a_role_a_team_and_loses_them(cast, browse):
    owner, member = browse("owner"), cast.member
    address = f"/people/{member.id}/"
    assert owner.post(f"{address}role/", {"role": "auditor"}).status_code == 302
    assert role_in(member, cast.workspace.id) == "auditor"
    team = {"team": str(cast.financiers.id)}
    assert "in Finance now" in text(owner.post(f"{address}team/", team, follow=True))
    again = owner.post(f"{address}team/", team)
    assert again.status_code == 409
    assert "is in Finance already" in text(again)
    assert owner.post(f"{address}team/", {**team, "do": "remove"}).status_code == 302
    assert not member.groups.exists()
    assert owner.post(f"{address}remove/").status_code == 302
    assert owner.get(address).status_code == 404
    assert verbs()[-4:] == ["member.role_changed", "team.member_added", "team.member_removed", "member.removed"]


def test_foreign_people_and_teams_are_not_there(cast, browse):
    owner = browse("owner")
    foreign = make_team(cast.elsewhere, "Theirs")
    assert owner.get(f"/people/{cast.stranger.id}/").status_code == 404
    assert owner.get(f"/teams/{foreign.id}/").status_code == 404
    assert owner.post(f"/people/{cast.member.id}/team/", {"team": str(foreign.id)}).status_code == 404
    assert owner.get(f"/people/{cast.service.id}/").status_code == 404


def test_last_owner_is_told_why_they_stay(cast, browse):
    answer = browse("owner").post(f"/people/{cast.owner.id}/disable/")
    assert answer.status_code == 403
    assert "is the last owner of Here" in text(answer)


def test_team_is_made_once_and_keeps_what_was_typed(cast, browse):
    owner = browse("owner")
    assert owner.post("/teams/", {"name": "Night shift"}).status_code == 302
    again = owner.post("/teams/", {"name": "Night shift"})
    assert again.status_code == 409
    assert 'value="Night shift"' in text(again)
    assert "There is a team Night shift already" in text(again)
    assert owner.post("/teams/", {"name": "x" * 81}).status_code == 422


def test_rights_on_an_agent_are_granted_and_taken(desk, browse):
    owner, cast = browse("owner"), desk.cast
    team = make_team(cast.workspace, "Night", cast.member)
    agent = desk.desk.agent
    address = f"/teams/{team.id}/grants/agent/"
    form = {"object": str(agent.id), "right": "view_agent"}
    assert owner.post(address, form).status_code == 302
    assert agent in Agent.objects.visible_to(cast.member)
    assert owner.post(address, form).status_code == 409
    assert f'<h3><bdi class="inert">{agent.title}</bdi></h3>' in text(owner.get(f"/teams/{team.id}/"))
    assert owner.post(address, {**form, "do": "revoke"}).status_code == 302
    assert agent not in Agent.objects.visible_to(cast.member)
    assert owner.post(address, {**form, "right": "delete_agent"}).status_code == 422
    for wrong in ("x", "\0", str(cast.member.id)):
        assert owner.post(address, {**form, "object": wrong}).status_code == 404
    assert owner.post(f"/teams/{team.id}/grants/tool/", form).status_code == 404


def test_rights_on_a_connection_are_granted_and_taken(desk, browse):
    owner, cast = browse("owner"), desk.cast
    team = make_team(cast.workspace, "Night", cast.member)
    address, crm = f"/teams/{team.id}/grants/connection/", desk.desk.crm
    form = {"object": str(crm.id), "right": "use_connection"}
    assert owner.post(address, form).status_code == 302
    assert crm in Connection.objects.visible_to(cast.member)
    assert "Can start runs through this connection" in text(owner.get(f"/teams/{team.id}/"))
    assert owner.post(address, {**form, "do": "revoke"}).status_code == 302
    assert crm not in Connection.objects.visible_to(cast.member)
    assert owner.post(address, {**form, "right": "change_connection"}).status_code == 422
    told = Event.objects.filter(verb__in=["team.granted", "team.revoked"], subject_id=str(team.id))
    assert {event.body["right"] for event in told} == {"use_connection"}


def test_team_page_asks_no_more_for_more_rows(desk, browse, statements):
    owner, cast = browse("owner"), desk.cast
    team = make_team(cast.workspace, "Night")
    before = statements(owner, f"/teams/{team.id}/")
    for number in range(3):
        teams.add_to_team(team=team, user=make_person(f"more{number}", cast.workspace), by=SETUP)
    for right in ("view_agent", "start_agent"):
        teams.grant(team=team, codename=right, target=desk.desk.agent, by=SETUP)
    assert statements(owner, f"/teams/{team.id}/") == before <= 25


def test_the_same_over_the_api(cast, client):
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")

    def send(verb, path, body=None):
        answer = getattr(client, verb)(f"/api/v1/{path}", body, content_type="application/json")
        return answer.status_code, answer.json() if answer.content else None

    found = send("get", "members/")[1]
    assert {row["email"] for row in found["results"]} == {
        f"{name}@example.com" for name in ("owner", "reviewer", "finance", "member", "disabled")
    }
    reviewer = next(row for row in found["results"] if row["email"] == "reviewer@example.com")
    assert [team["name"] for team in reviewer["teams"]] == ["Reviewers"]
    assert send("patch", f"members/{cast.member.id}/", {"role": "auditor"})[1]["role"] == "auditor"
    assert send("patch", f"members/{cast.owner.id}/", {"role": "member"})[0] == 403
    assert send("post", f"members/{cast.member.id}/disable/")[1]["is_active"] is False
    assert send("post", f"members/{cast.member.id}/disable/")[0] == 409
    assert send("post", f"members/{cast.member.id}/enable/")[1]["is_active"] is True
    made = send("post", "teams/", {"name": "Night"})[1]
    here = f"teams/{made['id']}/members/"
    assert send("post", here, {"user": str(cast.member.id)})[0] == 201
    assert send("post", here, {"user": str(cast.stranger.id)})[0] == 404
    assert [row["id"] for row in send("get", here)[1]["results"]] == [str(cast.member.id)]
    assert send("delete", f"{here}{cast.member.id}/")[0] == 204
    assert send("delete", f"{here}{cast.member.id}/")[0] == 409
    assert send("get", f"teams/{made['id']}/grants/magic/")[0] == 404
    assert send("delete", f"members/{cast.member.id}/")[0] == 204
    assert Team.objects.filter(name="Night").exists()
