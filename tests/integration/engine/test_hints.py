"""What the sweep tells workers: of each run now and then, and of no more than the broker has room for."""

from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from celery import current_app
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from agents.engine import sweep as sweeping
from agents.engine.sweep import sweep
from agents.models import Step
from agents.operations import create_agent, publish_version, save_route, start_run
from agents.tasks import backlog, enqueue
from tests.factories import SETUP
from workspaces.database import ClockTimestamp

pytestmark = pytest.mark.django_db
RUNS, ROOM = 9, 4


class Broker:
    """A broker's queue that a test can flush."""

    def __init__(self) -> None:
        self.messages = []

    def sweep(self):
        """Sweep once, when the last hint is long ago for every run."""
        Step.objects.filter(nudged_at__isnull=False).update(nudged_at=ClockTimestamp() - timedelta(minutes=1))
        assert sweep(self.messages.append, lambda: len(self.messages))


@pytest.fixture
def runs(desk, monkeypatch):
    monkeypatch.setattr(sweeping, "MAX_BACKLOG", ROOM)
    return {start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner).id for _ in range(RUNS)}


def test_backlog_does_not_grow_while_nobody_takes_messages(runs):
    broker = Broker()
    for _ in range(5):
        broker.sweep()
    assert len(broker.messages) == ROOM


def test_run_that_was_told_of_just_now_is_not_told_of_again(runs):
    told: list = []
    for _ in range(4):
        sweep(told.append)
    assert sorted(told) == sorted(runs)


def test_invariant_07_every_run_is_told_of_though_the_broker_is_flushed_each_time(runs):
    broker, told = Broker(), set()
    for _ in range(3):
        broker.sweep()
        told.update(broker.messages)
        broker.messages.clear()
    assert told == runs


def test_broker_that_is_away_costs_no_hint(runs):
    def away():
        raise OperationalError("gone")

    told: list = []
    assert sweep(told.append, away)
    assert (told, Step.objects.exclude(nudged_at=None).count()) == ([], 0)
    sweep(told.append)
    assert len(told) == ROOM


@pytest.fixture
def queue():
    """The name of a queue that nobody else uses."""
    usual, current_app.conf.task_default_queue = current_app.conf.task_default_queue, f"runs-of-{uuid4()}"
    yield current_app.conf.task_default_queue
    current_app.conf.task_default_queue = usual


def test_backlog_is_what_waits_in_the_queue(settings, queue):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert backlog() == 0
        client.lpush(queue, "one", "two")
        assert backlog() == 2
        client.delete(queue, f"_kombu.binding.{queue}")


def test_workspaces_take_turns_however_many_runs_one_of_them_has(runs, desk):
    there = {"workspace": desk.cast.elsewhere, "by": SETUP}
    agent = create_agent(name="one", title="One", **there)
    way = save_route(name="default", endpoints=[{"provider": "demo", "model": "d"}], **there)
    publish_version(agent=agent, goal="Help.", route=way, tools=[], by=SETUP)
    alone = start_run(agent_id=agent.id, text="Hello", by=desk.cast.stranger).id
    told: list = []
    sweep(told.append)
    assert len(told) == ROOM
    assert told.index(alone) == 1


def test_workers_take_from_both_queues_in_turn_however_many_wait_in_one(settings):
    """By counts: the messages of eight batch runs that came first do not keep two interactive ones waiting."""
    url, options = settings.REDIS_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS
    names = {"batch": f"batch-of-{uuid4()}", "interactive": f"runs-of-{uuid4()}"}
    queues = [Queue(name, routing_key=name, auto_delete=True) for name in names.values()]
    taken: list[str] = []
    with Connection(url, transport_options=options) as broker:
        producer = broker.Producer()
        for what, count in (("batch", 8), ("interactive", 2)):
            for _ in range(count):
                producer.publish(what, routing_key=names[what], declare=[q for q in queues if q.name == names[what]])
        consumer = broker.Consumer(queues, callbacks=[lambda body, message: (taken.append(body), message.ack())])
        consumer.qos(prefetch_count=1)
        with consumer:
            while len(taken) < 10:
                broker.drain_events(timeout=10)
    assert taken[:4].count("interactive") == 2
    assert taken[4:] == ["batch"] * 6


def test_run_is_told_of_in_the_queue_of_its_priority(desk, queue, settings):
    settings.BATCH_QUEUE = f"batch-of-{uuid4()}"
    priorities = ["batch", "interactive", "batch"]
    runs = [start_run(agent_id=desk.desk.agent.id, text="Hi", by=desk.cast.owner, priority=one) for one in priorities]
    for run in runs:
        enqueue(run.id)  # as after a decision, where only the run is known
    assert (backlog("batch"), backlog("interactive")) == (2, 1)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(*(name for own in (queue, settings.BATCH_QUEUE) for name in (own, f"_kombu.binding.{own}")))


def test_sweep_tells_of_batch_runs_apart_and_a_full_queue_of_theirs_keeps_no_other_waiting(runs, desk):
    batch = {
        start_run(agent_id=desk.desk.agent.id, text="B", by=desk.cast.owner, priority="batch").id for _ in range(6)
    }
    told, apart = [], []
    assert sweep(told.append, lambda: ROOM, batch=(apart.append, lambda: 0))
    assert told == []
    assert len(set(apart) & batch) == len(apart) == ROOM
    assert sweep(told.append, batch=(apart.append, lambda: ROOM))
    assert len(set(told) & runs) == ROOM == len(apart)
    together = []
    assert sweep(together.append)
    assert set(together) <= runs  # in one queue, interactive ones first
