"""The main job over the API alone: a program gives a ticket, people decide, somebody rolls it back."""

from uuid import uuid4

import pytest

from agents.models import Run
from audit.ledger.models import Event
from tools.models import Action

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/runs/"


@pytest.fixture
def ticket(desk):
    customer = desk.crm.anybody("standard")
    return f"Please upgrade {customer['email']} to tier gold."


def start(client, text, key=None, agent="support-desk"):
    return client.post(RUNS, {"agent": agent, "text": text}, HTTP_IDEMPOTENCY_KEY=key or str(uuid4()))


def inbox(client, run_id):
    rows = client.get(f"/api/v1/requests/?run={run_id}&status=open").json()["results"]
    return {client.get(f"/api/v1/actions/{row['action']}/").json()["tool"]["name"]: row["id"] for row in rows}


def decide(client, request_id, kind="approve", **said):
    seen = said.pop("seen", None) or client.get(f"/api/v1/requests/{request_id}/").json()["evidence_digest"]
    return client.post(f"/api/v1/requests/{request_id}/decisions/", {"kind": kind, "seen": seen, **said})


def test_story_is_played_over_the_api(desk, ticket, service_client, client_of):
    begun = start(service_client, ticket)
    assert begun.status_code == 201, begun.content
    run_id = begun.json()["id"]
    assert begun["Location"] == f"{RUNS}{run_id}/"
    assert begun.json()["input"] == {"text": ticket, "source": "api"}
    desk.rest(Run.objects.get(pk=run_id))

    reviewer, finance = client_of("reviewer"), client_of("finance")
    waiting = inbox(reviewer, run_id)
    assert set(waiting) == {"crm.customer.update", "mail.reply"}
    evidence = reviewer.get(f"/api/v1/requests/{waiting['crm.customer.update']}/").json()
    assert evidence["refusal"] == ""
    assert ticket in str(evidence["evidence"])
    decided = decide(reviewer, waiting["crm.customer.update"])
    assert (decided.status_code, decided.json()["request_status"]) == (201, "approved")
    assert decide(finance, waiting["mail.reply"]).status_code == 201
    desk.rest(Run.objects.get(pk=run_id))

    run = service_client.get(f"{RUNS}{run_id}/").json()
    assert (run["status"], run["usage"]["calls"] > 0) == ("succeeded", True)
    steps = service_client.get(f"{RUNS}{run_id}/steps/").json()["results"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    assert service_client.get(f"{RUNS}{run_id}/usage/").json()["results"]
    assert len(desk.mailbox.messages) == 1

    preview = reviewer.post(f"{RUNS}{run_id}/rollbacks/", {})
    assert preview.status_code == 201, preview.content
    assert sorted(item["verdict"] for item in preview.json()["plan"]) == ["impossible", "restore"]
    plan = {"plan_digest": preview.json()["plan_digest"]}
    confirmed = reviewer.post(f"{RUNS}{preview.json()['id']}/confirm/", plan)
    assert confirmed.status_code == 200, confirmed.content
    desk.rest(Run.objects.get(pk=preview.json()["id"]))
    report = reviewer.get(f"{RUNS}{preview.json()['id']}/").json()
    assert (report["status"], report["outcome"]["sentence"]) == ("succeeded", "1 of 2 effects was restored.")
    assert [row["id"] for row in reviewer.get(f"{RUNS}{run_id}/rollbacks/").json()["results"]] == [report["id"]]


def test_same_key_begins_one_run(desk, ticket, service_client):
    first, second = start(service_client, ticket, "k"), start(service_client, ticket, "k")
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Run.objects.count() == 1
    assert start(service_client, "Another ticket", "k").status_code == 422


def test_run_without_a_key_is_refused_with_a_sentence(desk, service_client):
    answer = service_client.post(RUNS, {"agent": "support-desk", "text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert "Idempotency-Key" in answer.json()["detail"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [("x" * 1_000_000, 413, "ticket_too_large"), ("  ", 422, "invalid_input"), (None, 422, "invalid_input")],
)
def test_unusable_ticket_is_refused_with_a_sentence(desk, service_client, text, status, code):
    answer = start(service_client, text)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
    assert not Run.objects.exists()


def test_strange_characters_in_a_ticket_are_kept_as_they_came(desk, service_client):
    text = "\u202ereversed\u202c <script>alert(1)</script> \u0007 \u200b"
    begun = start(service_client, text)
    assert service_client.get(begun["Location"]).json()["input"]["text"] == text.strip()


@pytest.mark.parametrize("agent", ["nobody", "00000000-0000-7000-8000-000000000000", ""])
def test_unknown_agent_is_refused(desk, service_client, agent):
    answer = start(service_client, "Hello", agent=agent)
    assert answer.status_code == (422 if not agent else 404)
    assert not Run.objects.exists()


def test_invariant_12_owner_cannot_decide_on_what_their_service_account_began(desk, ticket, service_client, client_of):
    run_id = start(service_client, ticket).json()["id"]
    desk.rest(Run.objects.get(pk=run_id))
    owner = client_of("owner")
    request_id = inbox(owner, run_id)["mail.reply"]
    shown = owner.get(f"/api/v1/requests/{request_id}/").json()
    assert "somebody else" in shown["refusal"]
    answer = decide(owner, request_id)
    assert (answer.status_code, answer.json()["code"]) == (403, "may_not_decide")
    assert service_client.get(f"/api/v1/requests/{request_id}/").status_code == 404
    assert owner.get("/api/v1/requests/?waiting_for_me=true").json()["results"] == []
    assert len(client_of("reviewer").get("/api/v1/requests/?waiting_for_me=true").json()["results"]) == 2


def test_second_decision_is_told_who_was_first(desk, ticket, client_of):
    run = desk.start(ticket)
    request_id = str(desk.request_for(run, "mail.reply").id)
    reviewer, finance = client_of("reviewer"), client_of("finance")
    seen = reviewer.get(f"/api/v1/requests/{request_id}/").json()["evidence_digest"]
    assert decide(reviewer, request_id, "reject", reason="Too curt").status_code == 201
    late = decide(finance, request_id, seen=seen)
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert "Reviewer" in late.json()["detail"]


def test_edit_makes_a_revision_and_wrong_arguments_are_named(desk, ticket, client_of):
    run = desk.start(ticket)
    request_id = str(desk.request_for(run, "crm.customer.update").id)
    reviewer = client_of("reviewer")
    arguments = reviewer.get(f"/api/v1/requests/{request_id}/").json()["evidence"]["action"]["arguments"]
    wrong = decide(reviewer, request_id, "edit", arguments={**arguments, "tier": "platinum"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")
    assert any("tier" in field for field in wrong.json()["errors"])
    edited = decide(reviewer, request_id, "edit", arguments={**arguments, "tier": "silver"})
    assert edited.status_code == 201, edited.content
    revision = reviewer.get(f"/api/v1/actions/{edited.json()['revision']}/").json()
    assert (revision["revises"], revision["arguments"]["tier"]) == (wrong_action(request_id), "silver")


def wrong_action(request_id):
    from approvals.models import Request

    return str(Request.objects.get(pk=request_id).action_id)


@pytest.mark.parametrize(
    "said",
    [{"kind": "shrug"}, {"seen": "abc"}, {"seen": None}, {"kind": "approve", "steps": -1}, {"arguments": "text"}],
)
def test_unreadable_decision_is_refused(desk, ticket, client_of, said):
    run = desk.start(ticket)
    request = desk.request_for(run, "mail.reply")
    body = {"kind": "approve", "seen": request.evidence_digest, **said}
    answer = client_of("reviewer").post(f"/api/v1/requests/{request.id}/decisions/", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    request.refresh_from_db()
    assert request.status == "open"


def test_stale_evidence_is_refused(desk, ticket, client_of):
    request = desk.request_for(desk.start(ticket), "mail.reply")
    answer = decide(client_of("reviewer"), request.id, seen="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (409, "evidence_changed")


def test_repeated_decision_with_a_key_is_answered_again(desk, ticket, client_of):
    request = desk.request_for(desk.start(ticket), "mail.reply")
    body = {"kind": "approve", "seen": request.evidence_digest}
    url, client = f"/api/v1/requests/{request.id}/decisions/", client_of("reviewer")
    first, second = (client.post(url, body, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert Event.objects.filter(verb="request.decided").count() == 1


def test_cancel_ends_what_has_not_begun(desk, ticket, client_of):
    run = desk.start(ticket)
    client = client_of("reviewer")
    assert client.post(f"{RUNS}{run.id}/cancel/").json()["status"] == "cancelled"
    assert not Action.objects.filter(run_id=run.id, status="in_review").exists()
    again = client.post(f"{RUNS}{run.id}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "stale_state")


def test_drifted_row_is_not_rolled_back(desk, ticket, client_of):
    run = desk.start(ticket)
    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.answer(desk.request_for(run, "mail.reply"), "reject", reason="No mail")
    run = desk.rest(run)
    customer = Action.objects.get(run_id=run.id, status="succeeded", effect="reversible")
    desk.crm.change(customer.arguments["id"], tier="silver")
    client = client_of("reviewer")
    preview = client.post(f"{RUNS}{run.id}/rollbacks/", {"action": str(customer.id)}).json()
    assert [item["verdict"] for item in preview["plan"]] == ["drifted"]
    refused = client.post(f"{RUNS}{preview['id']}/confirm/", {"plan_digest": preview["plan_digest"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_roll_back")
    other = client.post(f"{RUNS}{preview['id']}/confirm/", {"plan_digest": "0" * 64})
    assert other.status_code == 409
