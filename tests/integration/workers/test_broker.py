"""The broker dies under a worker that has work in hand: the worker stays, and goes on with the broker's successor."""

from urllib.parse import urlsplit

import pytest
import redis

from config.services.places import Places
from config.services.processes import wait_until
from config.services.programs import programs
from config.services.valkey import Broker
from tests.integration.workers.conftest import WorkerProcess, until, worker_environment
from tests.integration.workers.test_crashes import begin, ended, hold_first_answer

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def own_broker(tmp_path):
    """A broker that no other test uses."""
    places = Places.of(tmp_path / "broker")
    places.prepare()
    broker = Broker(places, programs(places).valkey)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        places.forget()


def listeners(broker) -> int:
    """Return how many clients wait for messages."""
    with redis.Redis.from_url(broker.url) as client:
        return sum("brpop" in str(one["cmd"]) for one in client.client_list())


def test_invariant_07_the_broker_dies_under_a_worker_which_stays(desk, talker, own_broker, settings):
    settings.WORKER_DEAD_AFTER_SECONDS = 600
    environment = {**worker_environment(), "REDIS_URL": own_broker.url, "WORKER_DEAD_AFTER_SECONDS": "600"}
    environment["OUTBOUND_ALLOWED"] = ",".join(settings.OUTBOUND_ALLOWED)
    held = hold_first_answer(talker)
    run = begin(desk)
    worker = WorkerProcess("alone", environment)
    try:
        assert until(held.reached.is_set, what="the model call")
        parts = urlsplit(own_broker.url)
        own_broker.child.process.kill()
        own_broker.child.process.wait()
        until(lambda: "Trying to re-establish" in worker.said() or worker.process.poll() is not None)
        own_broker.child = own_broker.launch(parts.port, parts.password)
        assert wait_until(own_broker.answers, 60)
        held.go.set()
        until(ended(run), what="the end of the run")
        until(lambda: listeners(own_broker) or worker.process.poll() is not None, what="its waiting for messages")
        assert worker.process.poll() is None, worker.said()
    finally:
        held.go.set()
        worker.end()
    assert (run.status, run.outcome["text"], run.steps.get().attempt) == ("succeeded", "First.", 1)
