"""Two connections at once: one run for one key, one decision for one request."""

import threading

import pytest
from django.db import connections
from rest_framework.test import APIClient

from agents.models import Run
from approvals.models import Decision

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls):
    """Make each call in a thread with a connection of its own, all past one barrier, and return their answers."""
    barrier = threading.Barrier(len(calls))
    answers = [None] * len(calls)

    def make(number, call):
        try:
            barrier.wait(10)
            answers[number] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
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
