"""The numbers that Prometheus scrapes are those of the rows, whoever is asked; and only for whoever has the token."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.engine.workers import heartbeat
from agents.models import EndpointState, Step
from approvals.metrics import MOST_QUEUES, OTHERS
from approvals.models import Request, ReviewQueue
from tools.models import ActionAttempt, UsageRecord
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-the-tests"
MOST_STATEMENTS = 20


@pytest.fixture
def scrape(settings):
    settings.METRICS_TOKEN = TOKEN

    def ask():
        answer = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/metrics")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
        found = {}
        for family in text_string_to_metric_families(answer.content.decode()):
            for sample in family.samples:
                name = sample.name.removeprefix("countersign_")
                found[name, *(value for _, value in sorted(sample.labels.items()))] = sample.value
        return found

    return ask


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_only_the_token_opens(header, settings):
    settings.METRICS_TOKEN = TOKEN
    answer = Client().get("/metrics", headers={"authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')


def test_without_a_token_there_is_no_such_page():
    assert Client().get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_an_empty_installation_shows_noughts_and_nobody_at_work(scrape):
    seen = scrape()
    assert seen["runs", "running"] == seen["steps", "ready"] == seen["actions", "in_doubt"] == seen["workers",] == 0
    assert (seen["step_oldest_ready_seconds",], seen["sweep_age_seconds",]) == (0, float("inf"))


def test_runs_steps_requests_actions_and_attempts_are_counted(scrape, house):
    house.in_doubt()
    house.asked()
    old = house.asked()
    heartbeat()
    sweep(lambda _run: None)
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    Step.objects.filter(run=house.run).update(created_at=long_ago)
    Request.objects.filter(pk=old.pk).update(opened_at=long_ago)
    seen = scrape()
    assert (seen["runs", "queued"], seen["steps", "ready"], seen["workers",]) == (1, 1, 1)
    assert 7190 < seen["step_oldest_ready_seconds",] < 7300
    assert (seen["actions", "in_doubt"], seen["actions", "in_review"]) == (1, 2)
    assert (seen["requests_open", "under_15m", "default"], seen["requests_open", "under_8h", "default"]) == (1, 1)
    assert 7190 < seen["request_oldest_seconds", "default"] < 7300
    assert seen["attempts_last_hour", "execute", "unknown"] == 1
    assert seen["ledger_unsealed_events",] > 10
    assert 0 <= seen["sweep_age_seconds",] < 60


def test_a_step_is_late_from_when_it_became_due_and_not_under_a_pause(scrape, house):
    drive(house.run.id, quantum=1)
    Step.objects.filter(run=house.run).update(status="ready", incarnation=None, wake_at=None, finished_at=None)
    Step.objects.update(created_at=datetime.now(UTC) - timedelta(days=3), wake_at=datetime.now(UTC))
    assert scrape()["step_oldest_ready_seconds",] < 60


def test_model_calls_of_the_last_hour_show_tokens_and_cost_and_what_is_not_known(scrape, house):
    def used(**values):
        defaults = {"step_id": uuid7(), "run_id": house.run.id, "agent_id": house.agent.id, "attempt": 1}
        shown = {"provider": "openai-chat", "model": "m", "latency_ms": 5, "outcome": "answered"}
        return UsageRecord.objects.create(workspace=house.cast.workspace, **{**defaults, **shown, **values})

    used(input_tokens=100, output_tokens=7, cost=Decimal("0.25"))
    used(input_tokens=50, output_tokens=None, cost=None)
    used(outcome="lost", cost=Decimal(0))
    long_ago = int((datetime.now(UTC) - timedelta(hours=2)).timestamp() * 1000)
    used(id=uuid7().__class__(int=long_ago << 80 | 7 << 76 | 2 << 62), input_tokens=10_000)
    seen = scrape()
    assert (seen["model_calls_last_hour", "m", "answered", "openai-chat"]) == 2
    assert (seen["model_calls_last_hour", "m", "lost", "openai-chat"]) == 1
    assert seen["model_tokens_last_hour", "input", "m", "openai-chat"] == 150
    assert seen["model_cost_last_hour", "USD", "m", "openai-chat"] == 0.25
    assert seen["model_calls_unpriced_last_hour", "m", "openai-chat"] == 1


def test_more_rows_take_no_more_statements_and_more_queues_no_more_series(scrape, house):
    with CaptureQueriesContext(connection) as few:
        scrape()
    first = house.asked()
    for number in range(MOST_QUEUES + 5):
        queue = ReviewQueue.objects.create(workspace=house.cast.workspace, name=f"q{number}", title="Q")
        fields = {f.attname: getattr(first, f.attname) for f in Request._meta.concrete_fields}
        Request.objects.create(**{**fields, "id": uuid7(), "queue_id": queue.id})
    with CaptureQueriesContext(connection) as many:
        seen = scrape()
    assert len(many) == len(few) <= MOST_STATEMENTS
    series = [key for key in seen if key[0] == "requests_open"]
    assert len(series) == MOST_QUEUES + 1
    assert seen["requests_open", "under_15m", OTHERS] == 6


def test_what_is_over_counts_for_an_hour(scrape, house):
    ActionAttempt.objects.all().delete()
    house.run.status, house.run.finished_at = "succeeded", datetime.now(UTC)
    house.run.save()
    assert scrape()["runs_finished_last_hour", "succeeded"] == 1
    house.run.finished_at -= timedelta(hours=2)
    house.run.save()
    assert scrape()["runs_finished_last_hour", "succeeded"] == 0


def test_endpoints_are_counted_by_what_is_done_with_them(scrape, cast):
    soon, past = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(minutes=1)
    for number, fate in enumerate([{}, {"opened_until": soon}, {"opened_until": past}, {"retry_after_until": soon}]):
        EndpointState.objects.create(workspace=cast.workspace, digest=str(number), provider="p", model="m", **fate)
    seen = scrape()
    assert [seen["endpoints", state] for state in ("closed", "open", "half_open", "asked_to_wait")] == [1, 1, 1, 1]
