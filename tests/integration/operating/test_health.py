"""Probes: the process lives; everything needed is there, or a sentence says what is missing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.engine.sweep import THE_ROW, sweep
from agents.engine.workers import heartbeat, incarnation
from agents.models import Sweep, Worker
from config import health
from tests.serving import free_port


@pytest.fixture
def at_work(db):
    """Let one worker of this process live, and a sweep be over."""
    heartbeat()
    sweep(lambda _run: None)
    return incarnation()


@pytest.fixture
def asked():
    return Client()


def test_the_process_lives_without_a_database(asked):
    answer = asked.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


@pytest.mark.django_db
def test_everything_is_there(asked, at_work, django_assert_num_queries):
    with django_assert_num_queries(4):
        answer = asked.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": {}})
    assert answer["Cache-Control"].startswith("max-age=0")


@pytest.mark.django_db
def test_silent_workers_and_no_sweep_are_missed_but_not_by_pages(asked, at_work):
    long_ago = timezone.now() - timedelta(minutes=5)
    Worker.objects.update(heartbeat_at=long_ago)
    Sweep.objects.filter(pk=THE_ROW).update(swept_at=long_ago)
    answer = asked.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": {"worker": health.NO_WORKER, "sweep": health.NO_SWEEP}}
    assert asked.get("/readyz?part=web").status_code == 200


@pytest.mark.django_db
def test_a_broker_that_is_down_is_missed(asked, at_work, settings):
    settings.REDIS_URL = f"redis://:hush-hush@127.0.0.1:{free_port()}/0"
    answer = asked.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"broker": health.BROKER_AWAY}


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_missed(asked, at_work):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'agents' AND name = '0001_initial'")
    assert asked.get("/readyz").json()["missing"] == {"database": health.NOT_MIGRATED}
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    assert asked.get("/readyz").json()["missing"] == {"database": health.NOT_MIGRATED}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_missed_and_its_address_kept(asked):
    closed = str(free_port())
    own, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], closed
    connection.close()
    try:
        answer = asked.get("/readyz")
    finally:
        connection.close()
        connection.settings_dict["PORT"] = own
    assert (answer.status_code, answer.json()["missing"]) == (503, {"database": health.DATABASE_AWAY})
    assert closed not in answer.content.decode()


@pytest.mark.django_db
def test_probes_may_use_a_bare_address_over_plain_http(asked, at_work, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert Client(headers={"host": "10.0.0.9:8000"}).get("/readyz").status_code == 200
    page = Client(headers={"host": "10.0.0.9:8000"}).get("/")
    assert page.status_code == 400
    assert asked.post("/readyz").status_code == 405
