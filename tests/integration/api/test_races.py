"""Two connections at once: one run for one key, one decision for one request, and no change lost."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connections, transaction
from rest_framework.test import APIClient

from agents.models import Run
from agents.operations import save_route
from approvals.models import Decision
from tests.factories import SETUP
from tests.integration.knowledge.conftest import collection, document
from tests.timing import blocks_somebody
from tools.models import Tool

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Make each call in a thread with a connection of its own, all past one barrier, and return their answers."""
    barrier = threading.Barrier(len(calls))
    answers = [None] * len(calls)

    def make(number, call):
        try:
            barrier.wait(60)
            answers[number] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_one_key_sent_four_times_at_once_begins_one_run(desk):
    def post():
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {desk.cast.service_key}")
        body = {"agent": "support-desk", "text": "Hello"}
        return client.post("/api/v1/runs/", body, HTTP_IDEMPOTENCY_KEY="same")

    answers = at_once(*[post] * 4)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert Run.objects.count() == 1
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_in_use"}


def test_of_two_people_deciding_at_once_one_wins_and_the_other_is_told_who(desk):
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    request = desk.request_for(run, "mail.reply")

    def post(name):
        client = APIClient(raise_request_exception=False)
        client.force_login(desk.cast[name], backend="django.contrib.auth.backends.ModelBackend")
        body = {"kind": "approve", "seen": request.evidence_digest}
        return client.post(f"/api/v1/requests/{request.id}/decisions/", body)

    answers = at_once(lambda: post("reviewer"), lambda: post("finance"))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (201, 409)
    assert won.json()["user"]["name"] in lost.json()["detail"]
    assert Decision.objects.count() == 1


def a_tool(desk):
    return Tool.objects.get(name="mail.reply"), "tools", {"description": "Held."}, {"title": "Sent"}


def a_route(desk):
    route = save_route(
        workspace=desk.cast.workspace, name="spare", endpoints=[{"provider": "demo", "model": "rules"}], by=SETUP
    )
    return route, "routes", {"max_output_tokens": 77}, {"endpoints": [{"provider": "demo", "model": "other"}]}


def a_document(desk):
    made = document(collection(desk.cast))
    return made, "documents", {"valid_from": datetime(2026, 1, 1, tzinfo=UTC)}, {"valid_until": "2030-01-01T00:00:00Z"}


@pytest.mark.parametrize("kind", [a_tool, a_route, a_document])
def test_what_a_change_leaves_out_keeps_what_another_change_made_of_it_meanwhile(kind, desk, client_of):
    row, path, held, sent = kind(desk)
    client = client_of("owner")
    answers = []

    def change():
        answers.append(client.patch(f"/api/v1/{path}/{row.id}/", sent, format="json"))
        connections.close_all()

    thread = threading.Thread(target=change)
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**held)
        thread.start()
        blocks_somebody()
    thread.join(120)
    assert answers[0].status_code == 200, answers[0].content
    field, value = next(iter(held.items()))
    row.refresh_from_db()
    assert getattr(row, field) == value
    assert answers[0].json()[next(iter(sent))] == next(iter(sent.values()))
