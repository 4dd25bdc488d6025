"""What a key is for, and until when: every operation of the API belongs to one scope, and a scope grants nothing."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.urls import URLPattern, get_resolver, resolve, reverse
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.test import APIClient

from audit.ledger.models import Event
from tests.integration.api.test_matrix import MATRIX, PEOPLE
from workspaces.api.scopes import scope_of
from workspaces.ids import uuid7
from workspaces.models import ApiKey, KeyScope
from workspaces.operations.keys import issue_key

pytestmark = pytest.mark.django_db
VERBS = ("get", "post", "put", "patch", "delete")


def operations():
    """Return name, view class, verb and address with an absent id of every operation of the API but public ones."""

    def walk(patterns, prefix):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                if path.startswith("api/v1/"):
                    yield pattern.name, pattern.callback.view_class, path
            else:
                yield from walk(pattern.url_patterns, path)

    for name, view, path in walk(get_resolver("config.urls").url_patterns, ""):
        if list(view.permission_classes) != [AllowAny]:
            address = reverse(name, args=[uuid7()] * path.count("<"))
            yield from ((name, view, verb, address) for verb in VERBS if hasattr(view, verb))


def client_with(cast, *scopes):
    issued = issue_key(
        workspace=cast.workspace, account=cast.service, name="narrow", scopes=scopes or None, by=cast.owner
    )
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.text}")
    return client


def test_every_operation_belongs_to_one_scope_and_every_scope_has_operations():
    found = {(name, verb): scope_of(view, verb) for name, view, verb, _ in operations()}
    assert [operation for operation, scope in found.items() if scope is None] == []
    assert {scope for (_, verb), scope in found.items() if verb == "get"} == {KeyScope.READ}
    assert set(found.values()) == set(KeyScope)


def test_key_does_what_its_scope_says_and_nothing_else(cast):
    only = {scope: client_with(cast, scope) for scope in KeyScope}
    without = {scope: client_with(cast, *(set(KeyScope) - {scope})) for scope in KeyScope}
    for name, view, verb, address in operations():
        scope = scope_of(view, verb)
        refused = getattr(without[scope], verb)(address, {}).json()
        assert refused["code"] == "missing_scope", (name, verb, refused)
        assert f"lacks the scope {scope}: " in refused["detail"]
        let_in = getattr(only[scope], verb)(address, {})
        assert b"missing_scope" not in let_in.content, (name, verb, let_in.content)


def test_no_page_shows_a_key_doing_what_keys_never_may():
    """A service account never owns a workspace: what the matrix refuses it is shown as a person's call."""
    shown = []
    for page in sorted((Path(settings.BASE_DIR) / "docs").glob("*.md")):
        text = page.read_text().replace("\\\n", " ")
        shown += [(page.name, line) for line in text.splitlines() if "Bearer $KEY" in line and "/api/v1/" in line]
    assert shown
    for name, line in shown:
        path = re.sub(
            r"\$\w+|{\w+}", str(uuid7()), line[line.index("/api/v1/") :].split('"')[0].split("?")[0].split()[0]
        )
        verb = "patch" if "PATCH" in line else "post" if " -d " in line or "POST" in line else "get"
        assert MATRIX[resolve(path).url_name, verb][PEOPLE.index("service")] != 403, (name, line)


def test_scope_grants_nothing(cast):
    refused = client_with(cast, "people:write").post("/api/v1/service-accounts/", {"name": "x"})
    assert refused.json()["code"] == "forbidden"
    assert client_with(cast, "decisions:write").post(f"/api/v1/requests/{uuid7()}/decisions/", {}).status_code == 404


def test_method_that_is_not_there_is_said_so_whatever_the_scope(cast):
    assert client_with(cast, "read").post("/api/v1/me/").status_code == 405


def test_description_names_the_scope_of_each_operation():
    described = yaml.load(
        (Path(settings.BASE_DIR) / "docs" / "openapi.yaml").read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    said = {
        entry["apiKey"][0]
        for path in described["paths"].values()
        for operation in path.values()
        for entry in operation["security"]
        if "apiKey" in entry
    }
    assert said == set(KeyScope.values)
    assert described["paths"]["/api/v1/runs/"]["post"]["security"][0] == {"apiKey": ["runs:write"]}
    assert described["paths"]["/api/v1/search/"]["post"]["security"][0] == {"apiKey": ["read"]}


def test_key_says_what_it_is_for_and_until_when(cast, client_of):
    owner, keys = client_of("owner"), f"/api/v1/service-accounts/{cast.service.id}/keys/"
    made = owner.post(keys, {"name": "night", "scopes": ["runs:write", "read", "read"]}).json()
    assert made["scopes"] == ["read", "runs:write"]
    caller = APIClient()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {made['key']}")
    assert caller.get("/api/v1/me/").json()["key"] == {
        "id": made["id"],
        "name": "night",
        "scopes": ["read", "runs:write"],
        "expires_at": made["expires_at"],
    }
    assert owner.get("/api/v1/me/").json()["key"] is None
    assert Event.objects.get(verb="api_key.issued", subject_id=made["id"]).body["scopes"] == ["read", "runs:write"]


def test_key_without_a_word_may_everything_and_ends_by_default(cast, client_of, settings):
    settings.API_KEY_DAYS = 5
    made = client_of("owner").post(f"/api/v1/service-accounts/{cast.service.id}/keys/", {"name": "plain"}).json()
    key = ApiKey.objects.get(pk=made["id"])
    assert key.scopes == KeyScope.values
    assert timedelta(days=5) - timedelta(minutes=1) < key.expires_at - timezone.now() <= timedelta(days=5)


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"scopes": []}, "scopes", "may not be empty"),
        ({"scopes": ["everything"]}, "scopes.0", "not a valid choice"),
        ({"scopes": "read"}, "scopes", "Expected a list"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "Choose a time to come"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at", "lives 365 days at most"),
    ],
)
def test_unusable_scopes_and_times_are_refused_by_their_field(cast, client_of, body, field, said):
    answer = client_of("owner").post(f"/api/v1/service-accounts/{cast.service.id}/keys/", {"name": "x", **body})
    assert answer.status_code == 422
    assert said in answer.json()["errors"][field][0]


def test_expired_key_is_told_so(cast, service_client):
    assert service_client.get("/api/v1/me/").status_code == 200
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = service_client.get("/api/v1/me/")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer.json()["detail"] == "This API key has expired."
    assert "new key" in answer.json()["hint"]


def test_key_from_before_the_rule_goes_on_without_an_end(cast, service_client):
    ApiKey.objects.update(expires_at=None)
    assert service_client.get("/api/v1/me/").json()["key"]["expires_at"] is None
