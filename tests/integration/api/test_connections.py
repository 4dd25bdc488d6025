"""Connections over the API: a secret goes in and never comes out."""

import pytest

from audit.ledger.models import Event
from tools.models import Connection

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
