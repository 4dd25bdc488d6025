"""Connections over the API: a secret goes in and never comes out."""

import pytest

from audit.ledger.models import Event
from tests.factories import SETUP
from tools.models import Connection
from workspaces.operations import teams

pytestmark = pytest.mark.django_db
CONNECTIONS = "/api/v1/connections/"
SECRET = "hunter2-and-more"


def sent(**changes):
    config = {"host": "crm.example", "port": 5432, "database": "crm", "user": "agent"}
    return {"name": "crm", "kind": "postgres", "config": config, "secret": {"password": SECRET}, **changes}


def test_invariant_15_secret_is_stored_encrypted_and_never_shown(cast, client_of):
    client = client_of("owner")
    made = client.post(CONNECTIONS, sent(), HTTP_IDEMPOTENCY_KEY="k")
    assert made.status_code == 201, made.content
    shown = [made, client.post(CONNECTIONS, sent(), HTTP_IDEMPOTENCY_KEY="k"), client.get(CONNECTIONS)]
    shown.append(client.get(f"{CONNECTIONS}{made.json()['id']}/"))
    assert all(SECRET not in answer.content.decode() for answer in shown)
    assert made.json()["has_secret"] is True
    row = Connection.objects.get()
    assert SECRET.encode() not in bytes(row.secret)
    assert row.open_secret() == {"password": SECRET}
    assert SECRET not in str(list(Event.objects.values()))


def test_change_grows_the_version_and_keeps_what_is_left_out(cast, client_of):
    client = client_of("owner")
    url = f"{CONNECTIONS}{client.post(CONNECTIONS, sent()).json()['id']}/"
    changed = client.patch(url, {"is_enabled": False})
    assert (changed.json()["version"], changed.json()["is_enabled"]) == (2, False)
    assert Connection.objects.get().open_secret() == {"password": SECRET}
    client.patch(url, {"secret": {"password": "new"}})
    assert Connection.objects.get().open_secret() == {"password": "new"}
    assert client.patch(url, {}).status_code == 422


@pytest.mark.parametrize(
    "wrong", [{"kind": "telepathy"}, {"config": {"host": 1}}, {"name": "no spaces"}, {"secret": {"pass": "x"}}]
)
def test_unusable_connection_is_refused_and_its_secret_not_repeated(cast, client_of, wrong):
    answer = client_of("owner").post(CONNECTIONS, sent(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert SECRET not in answer.content.decode()
    assert not Connection.objects.exists()


def test_name_is_taken_once(cast, client_of):
    client = client_of("owner")
    client.post(CONNECTIONS, sent())
    answer = client.post(CONNECTIONS, sent())
    assert (answer.status_code, "already" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("name", ["reviewer", "member"])
def test_only_owners_set_connections_up(cast, client_of, name):
    assert client_of(name).post(CONNECTIONS, sent()).status_code == 403
    assert not Connection.objects.exists()


def made(client_of, **changes):
    client_of("owner").post(CONNECTIONS, sent(**changes))
    return Connection.objects.get()


def test_teams_see_the_connections_that_they_have_a_right_on(cast, client_of):
    way = made(client_of)
    reviewer, address = client_of("reviewer"), f"{CONNECTIONS}{way.id}/"
    absent = reviewer.get(f"{CONNECTIONS}{cast.owner.id}/").json()["detail"]
    for right in ("view_connection", "use_connection", "manage_connection"):
        assert (reviewer.get(CONNECTIONS).json()["results"], reviewer.get(address).status_code) == ([], 404)
        assert reviewer.get(address).json()["detail"] == absent
        teams.grant(team=cast.reviewers, codename=right, target=way, by=SETUP)
        assert [row["id"] for row in reviewer.get(CONNECTIONS).json()["results"]] == [str(way.id)]
        assert reviewer.get(address).json() == client_of("owner").get(address).json()
        teams.revoke(team=cast.reviewers, codename=right, target=way, by=SETUP)


@pytest.mark.parametrize("right", ["view_connection", "use_connection"])
def test_who_sees_a_connection_does_not_change_it(cast, client_of, right):
    way = made(client_of)
    teams.grant(team=cast.reviewers, codename=right, target=way, by=SETUP)
    assert client_of("reviewer").patch(f"{CONNECTIONS}{way.id}/", {"is_enabled": False}).status_code == 403
    assert Connection.objects.get().version == 1


def test_who_manages_a_connection_renews_its_secret_and_leads_it_nowhere_else(cast, client_of):
    way = made(client_of)
    teams.grant(team=cast.reviewers, codename="manage_connection", target=way, by=SETUP)
    reviewer, address = client_of("reviewer"), f"{CONNECTIONS}{way.id}/"
    assert reviewer.patch(address, {"secret": {"password": "new"}, "is_enabled": False}).json()["version"] == 2
    assert Connection.objects.get().open_secret() == {"password": "new"}
    stolen = {"config": {**way.config, "host": "mine.example"}}
    for change in (stolen, {"is_restricted": True}, {"sandbox": None}, {"is_enabled": True, **stolen}):
        refused = reviewer.patch(address, change)
        assert (refused.status_code, "Only an owner" in refused.json()["detail"]) == (403, True)
    now = Connection.objects.get()
    assert (now.version, now.config, now.is_enabled, now.is_restricted) == (2, way.config, False, False)


def test_owners_restrict_a_connection_on_record(cast, client_of):
    way = made(client_of, is_restricted=True)
    assert way.is_restricted
    changed = client_of("owner").patch(f"{CONNECTIONS}{way.id}/", {"is_restricted": False}).json()
    assert (changed["is_restricted"], changed["version"]) == (False, 2)
    told = Event.objects.filter(subject_id=str(way.id)).order_by("sequence")
    assert [event.body["restricted"] for event in told] == [True, False]
