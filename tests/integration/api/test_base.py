"""What every endpoint shares: callers, problems, strict bodies and pages."""

import json

import pytest
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_team
from workspaces.api.throttling import CallerThrottle
from workspaces.ids import uuid7
from workspaces.operations import keys, people

pytestmark = pytest.mark.urls("tests.integration.api.probe_urls")
TEAMS = "/api/v1/teams/"
ECHO = "/api/v1/echo/"


def check_problem(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:countersign:problem:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["hint"]
    return body


def test_anonymous_is_asked_for_a_key(db):
    answer = APIClient().get(TEAMS)
    check_problem(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="countersign"'


@pytest.mark.parametrize("header", ["Bearer cs_no", "Bearer", "Basic YTpi", "Bearer cs_0123456789ab_" + "a" * 43])
def test_wrong_key_is_401_with_a_sentence(db, header):
    answer = APIClient().get(TEAMS, HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "key" in answer.json()["detail"].lower()


def test_revoked_key_is_refused_at_the_next_request(cast, service_client):
    assert service_client.get(TEAMS).status_code == 200
    keys.revoke_key(key=keys.authenticate(cast.service_key), by=cast.owner)
    assert "revoked" in check_problem(service_client.get(TEAMS), 401, "invalid_key")["detail"]


def test_disabled_person_is_out_at_once(cast, client_of):
    client = client_of("reviewer")
    assert client.get(TEAMS).status_code == 200
    people.disable_user(user=cast.reviewer, by=cast.owner)
    check_problem(client.get(TEAMS), 401, "unauthenticated")


def test_session_needs_the_csrf_token_to_change_anything(cast):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(TEAMS).status_code == 200
    check_problem(client.post(ECHO, {}), 403, "forbidden")


def test_person_without_a_workspace_is_told_whom_to_ask(cast, client_of):
    people.remove_member(workspace=cast.workspace, user=cast.member, by=cast.member)
    assert "owner" in check_problem(client_of("member").get(TEAMS), 403, "forbidden")["hint"]


def test_invariant_14_foreign_and_absent_ids_answer_alike(cast, service_client):
    foreign = make_team(cast.elsewhere, "Theirs")
    service_client.get(f"{TEAMS}{cast.reviewers.id}/")
    answers, counts = [], []
    for wanted in (foreign.id, uuid7()):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            answers.append(check_problem(service_client.get(f"{TEAMS}{wanted}/"), 404, "not_found"))
        counts.append([one["sql"].replace(str(wanted), "ID").replace(wanted.hex, "ID") for one in statements])
    assert answers[0] == answers[1]
    assert counts[0] == counts[1]


def test_unknown_address_and_method_are_problems_too(db, service_client):
    check_problem(service_client.get("/api/v1/nothing/"), 404, "not_found")
    check_problem(service_client.get(f"{TEAMS}not-a-uuid/"), 404, "not_found")
    answer = service_client.delete(TEAMS)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer["Allow"]


def test_fault_of_ours_tells_nothing_of_our_insides(service_client):
    answer = service_client.get(ECHO)
    check_problem(answer, 500, "internal_error")
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[NaN]", b'{"a": 1, "a": 2}', b'"\\u0000"', b'"\\ud800"', b"[9007199254740993]", b"[1e999]",
        b'"\xff"', b"[" * 100_000, b'{"\\u0000": 1}',
    ],
)  # fmt: skip
def test_body_that_two_readers_could_read_differently_is_refused(service_client, body):
    answer = service_client.generic("POST", ECHO, body, content_type="application/json")
    check_problem(answer, 400, "malformed")


@pytest.mark.parametrize("value", ["\u202e<b>\u0007\ufffd\U0001f600", {"a": [1, 1.5, True, None]}, "x" * 1_000_000])
def test_strange_but_storable_text_arrives_as_it_was_sent(service_client, value):
    assert service_client.post(ECHO, {"value": value}).json() == {"got": {"value": value}}


def test_body_over_two_megabytes_is_413(service_client):
    body = json.dumps("x" * (2 * 1024 * 1024))
    check_problem(service_client.generic("POST", ECHO, body, content_type="application/json"), 413, "too_large")


def test_other_formats_are_415(service_client):
    check_problem(
        service_client.generic("POST", ECHO, "a=1", content_type="application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    )
    check_problem(service_client.get(TEAMS, HTTP_ACCEPT="text/html"), 406, "not_acceptable")


def test_invalid_fields_are_named_by_their_path(client_of):
    answer = client_of("owner").post(
        TEAMS, {"name": "x" * 21, "tags": ["ok", "long!"]}, HTTP_IDEMPOTENCY_KEY="validation"
    )
    body = check_problem(answer, 422, "invalid_input")
    assert set(body["errors"]) == {"name", "tags.1"}


def test_domain_error_carries_its_fields(client_of):
    answer = client_of("owner").post(TEAMS, {"name": "forbidden"}, HTTP_IDEMPOTENCY_KEY="domain")
    assert check_problem(answer, 422, "invalid_input")["errors"] == {"name": ["Not this."]}


def test_pages_neither_repeat_nor_hide_rows(cast, service_client):
    for number in range(7):
        make_team(cast.workspace, f"team {number}")
    make_team(cast.elsewhere, "foreign")
    seen, url = [], f"{TEAMS}?limit=3"
    while url:
        page = service_client.get(url).json()
        seen += [row["name"] for row in page["results"]]
        url = page["next"]
        if len(seen) == 3:
            make_team(cast.workspace, "came meanwhile")
    assert seen == [f"team {number}" for number in reversed(range(7))] + ["Operators", "Finance", "Reviewers"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "cursor=!!", "cursor=cD14", "cursor=cD0xMjM="])
def test_unusable_page_is_refused_with_a_sentence(service_client, query):
    check_problem(service_client.get(f"{TEAMS}?{query}"), 422, "invalid_input")


@pytest.mark.parametrize(
    "query", ["facts/?agent=", "actions/?status=", "runs/?status=", "usage/?agent=", "economics/?agent="]
)
def test_empty_filter_does_not_stand_for_all(service_client, query):
    answer = service_client.get(f"/api/v1/{query}")
    assert answer.status_code == 422
    name = query.partition("?")[2].rstrip("=")
    assert answer.json()["errors"] == {name: ["It is empty."]}


@pytest.mark.parametrize(("path", "name"), [("pauses", "live"), ("requests", "waiting_for_me")])
@pytest.mark.parametrize(("value", "status"), [("true", 200), ("False", 200), ("null", 422), ("maybe", 422)])
def test_true_or_false_is_one_of_them(service_client, path, name, value, status):
    answer = service_client.get(f"/api/v1/{path}/?{name}={value}")
    assert answer.status_code == status
    assert status == 200 or answer.json()["errors"] == {name: ["Send true or false."]}


def test_limit_is_capped(cast, service_client):
    assert service_client.get(f"{TEAMS}?limit=100000").status_code == 200


def test_too_many_requests_are_told_when_to_come_back(service_client, monkeypatch):
    monkeypatch.setattr(CallerThrottle, "rate", "2/minute", raising=False)
    answers = [service_client.get(TEAMS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    check_problem(answers[2], 429, "throttled")
    assert int(answers[2]["Retry-After"]) > 0


def test_unreachable_counters_turn_nobody_away(service_client, monkeypatch):
    monkeypatch.setattr(CallerThrottle, "cache", RedisCache("redis://127.0.0.1:1/0", {}))
    assert service_client.get(TEAMS).status_code == 200
