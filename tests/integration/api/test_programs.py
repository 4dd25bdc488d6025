"""How a program gets in from the command line, and what an integrator stumbles over is said in a sentence."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max, Min
from django.utils import timezone
from rest_framework.test import APIClient

from audit.ledger.models import Event
from workspaces.models import ApiKey, Team

pytestmark = pytest.mark.django_db


def issue(*arguments):
    out = StringIO()
    call_command("issue_key", *arguments, stdout=out)
    return out.getvalue().strip()


def program(key):
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def admitted(desk, cast):
    return lambda *more: issue("shop", "--owner", cast.owner.email, "--workspace", cast.workspace.slug, *more)


def test_issued_key_opens_the_agent_named_and_nothing_else(desk, admitted):
    client = program(admitted("--agent", "support-desk"))
    assert [agent["name"] for agent in client.get("/api/v1/agents/").json()["results"]] == ["support-desk"]
    begun = client.post("/api/v1/runs/", {"agent": "support-desk", "text": "Hello"}, HTTP_IDEMPOTENCY_KEY="1")
    assert begun.status_code == 201
    assert client.post(f"/api/v1/runs/{begun.json()['id']}/cancel/").status_code == 200
    assert client.get("/api/v1/requests/").json()["results"] == []


def test_second_key_is_of_the_same_account_and_grants_nothing_twice(desk, admitted):
    first, second = admitted("--agent", "support-desk", "--days", "1"), admitted("--agent", "support-desk")
    assert first != second
    accounts = {key.user_id for key in ApiKey.objects.filter(name="shop")}
    assert len(accounts) == 1
    ends = ApiKey.objects.filter(name="shop").aggregate(first=Min("expires_at"), last=Max("expires_at"))
    assert ends["first"] < timezone.now() + timedelta(days=1) < timezone.now() + timedelta(days=89) < ends["last"]
    assert Event.objects.filter(verb="team.created", actor="system:manage.py").count() == 1
    assert Event.objects.filter(verb="team.granted", actor="system:manage.py").count() == 3


def test_issued_key_is_narrowed_to_the_scopes_named(desk, admitted):
    client = program(admitted("--agent", "support-desk", "--scope", "read"))
    assert client.get("/api/v1/agents/").status_code == 200
    refused = client.post("/api/v1/runs/", {"agent": "support-desk", "text": "Hello"})
    assert refused.json()["code"] == "missing_scope"
    with pytest.raises(CommandError, match=r"magic is no scope\. Choose from read, "):
        admitted("--scope", "magic")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--agent": "nobody"}, "has no agent nobody. There are: support-desk."),
        ({"--owner": "nobody@nowhere.example"}, "Nobody has an account with the address"),
        ({"--workspace": "nowhere"}, "Name one workspace by --workspace."),
        ({"--days": "0"}, "1 day or more"),
        ({"name": "two words"}, "letters, digits"),
    ],
    ids=["agent", "owner", "workspace", "days", "name"],
)
def test_refusal_says_what_to_correct_and_leaves_nothing(desk, cast, changed, said):
    given = {"--agent": "support-desk", "--owner": cast.owner.email, "--workspace": cast.workspace.slug}
    given |= {"name": "shop", "--days": "1", **changed}
    name = given.pop("name")
    with pytest.raises(CommandError, match=said):
        issue(name, *[word for pair in given.items() for word in pair])
    assert not ApiKey.objects.filter(name=name).exists()


def test_program_joins_no_team_of_other_people(desk, cast, admitted):
    Team.objects.filter(pk=cast.reviewers.pk).update(name="shop")
    with pytest.raises(CommandError, match="There is a team shop already"):
        admitted("--agent", "support-desk")
    assert not ApiKey.objects.filter(name="shop").exists()


def test_missing_slash_is_named_instead_of_losing_what_was_posted(service_client):
    for answer in (service_client.get("/api/v1/runs"), service_client.post("/api/v1/runs", {"text": "Hello"})):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["hint"] == "Addresses of the API end with a slash: /api/v1/runs/"
    assert "/api/v1/openapi.yaml" in service_client.get("/api/v1/").json()["hint"]
    assert service_client.get("/runs").status_code == 301


def test_session_without_the_token_is_told_which_header_is_missing(cast):
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    refused = client.post("/api/v1/pauses/", {})
    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["hint"]


@pytest.mark.parametrize(("body", "said"), [("[1]", "a list"), ('"x"', "a text"), ("7", "a number"), ("null", "null")])
def test_body_that_is_no_object_is_named(desk, service_client, body, said):
    refused = service_client.post("/api/v1/runs/", body, content_type="application/json", HTTP_IDEMPOTENCY_KEY="1")
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
    assert said in refused.json()["detail"]


def test_unknown_agent_is_told_where_the_names_are(desk, service_client):
    refused = service_client.post("/api/v1/runs/", {"agent": "nobody", "text": "Hello"}, HTTP_IDEMPOTENCY_KEY="1")
    assert refused.status_code == 404
    assert "/api/v1/agents/" in refused.json()["hint"]


def test_run_says_why_it_waits_and_names_requests_to_those_who_may_see_them(desk, client_of, service_client):
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    path = f"/api/v1/runs/{run.id}/"
    seen = client_of("reviewer").get(path).json()["waiting"]
    assert seen["sentence"].startswith("A person must decide")
    assert seen["requests"] == [str(request.id) for request in desk.requests(run)]
    unseen = service_client.get(path).json()["waiting"]
    hidden = "People must decide, in a queue that you cannot see."
    assert (unseen["sentence"], unseen["requests"]) == (hidden, [])
    assert {(one["kind"], one["sentence"]) for one in unseen["reasons"]} == {("people", hidden)}
    assert {one["kind"] for one in seen["reasons"]} == {"people"}
    assert all(one["since"] and one["until"] for one in seen["reasons"])
