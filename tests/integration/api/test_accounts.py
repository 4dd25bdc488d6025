"""Service accounts and keys over the API."""

import pytest
from rest_framework.test import APIClient

from workspaces.models import ApiKey, IdempotencyRecord

pytestmark = pytest.mark.django_db
ACCOUNTS = "/api/v1/service-accounts/"


def test_owner_makes_an_account_and_a_key_that_is_shown_once(cast, client_of):
    owner = client_of("owner")
    account = owner.post(ACCOUNTS, {"name": "importer"})
    assert (account.status_code, account.json()["owner"]["name"]) == (201, "Owner")
    keys = f"{ACCOUNTS}{account.json()['id']}/keys/"
    made = owner.post(keys, {"name": "nightly"}, HTTP_IDEMPOTENCY_KEY="k")
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    text = made.json()["key"]
    caller = APIClient()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert caller.get("/api/v1/me/").json()["user"]["name"] == "importer"
    assert text not in owner.get(keys).content.decode()
    assert not IdempotencyRecord.objects.exists()
    assert owner.post(f"/api/v1/keys/{made.json()['id']}/revoke/").json()["revoked_at"]
    assert caller.get("/api/v1/me/").status_code == 401


def test_invariant_14_foreign_accounts_and_keys_are_not_there(cast, client_of):
    stranger, key = client_of("stranger"), ApiKey.objects.get()
    assert stranger.get(ACCOUNTS).json()["results"] == []
    assert stranger.get(f"{ACCOUNTS}{cast.service.id}/keys/").status_code == 404
    assert stranger.post(f"{ACCOUNTS}{cast.service.id}/keys/", {"name": "x"}).status_code == 404
    assert stranger.post(f"/api/v1/keys/{key.id}/revoke/").status_code == 404
    assert client_of("owner").post(f"{ACCOUNTS}{cast.member.id}/keys/", {"name": "x"}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "two words"}, {"name": "x" * 81}])
def test_unusable_name_is_refused(cast, client_of, body):
    answer = client_of("owner").post(ACCOUNTS, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
