"""A POST that is sent again is done once."""

import threading

import pytest
from django.db import connections, transaction

from audit.ledger.models import Event
from workspaces.models import IdempotencyRecord, Team

pytestmark = pytest.mark.urls("tests.integration.api.probe_urls")
TEAMS = "/api/v1/teams/"


def post(client, name="Ops", key="k1"):
    return client.post(TEAMS, {"name": name}, HTTP_IDEMPOTENCY_KEY=key)


def test_same_request_is_answered_again_and_done_once(client_of):
    client = client_of("owner")
    first, second = post(client), post(client)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first["Location"] == second["Location"]
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert Team.objects.filter(name="Ops").count() == 1
    assert Event.objects.filter(verb="team.created", subject_id=first.json()["id"]).count() == 1


def test_other_body_with_the_same_key_is_refused(client_of):
    client = client_of("owner")
    post(client)
    answer = post(client, name="Other")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert not Team.objects.filter(name="Other").exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
def test_missing_or_unusable_key_is_400_with_a_sentence(client_of, key):
    answer = post(client_of("owner"), key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert "Idempotency-Key" in answer.json()["detail"]


def test_refused_request_may_be_sent_again(client_of):
    client = client_of("owner")
    assert post(client, name="forbidden").status_code == 422
    assert not IdempotencyRecord.objects.exists()
    assert post(client).status_code == 201


def test_keys_of_different_callers_are_different(cast, client_of):
    assert post(client_of("owner"), name="Ours").status_code == 201
    assert post(client_of("stranger"), name="Theirs").status_code == 201
    assert Team.objects.filter(name__in=["Ours", "Theirs"]).count() == 2


def test_crash_before_the_commit_leaves_neither_change_nor_answer(client_of):
    client = client_of("owner")

    with transaction.atomic():
        post(client)
        transaction.set_rollback(True)
    assert not Team.objects.filter(name="Ops").exists()
    answer = post(client)
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer


def test_second_request_while_the_first_is_under_way_is_409(cast, client_of):
    """Another connection holds the lock of the first request; nothing is stored yet."""
    from workspaces.operations import repeating

    held, done = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            asked = {"workspace": cast.workspace, "by": cast.owner, "endpoint": TEAMS, "key": "k1"}
            repeating._lock(repeating.Repeatable(**asked, body=""), wait=False)
            held.set()
            done.wait(120)
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(120)
    try:
        answer = post(client_of("owner"))
    finally:
        done.set()
        thread.join()
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert post(client_of("owner")).status_code == 201
