"""Incarnations: one a process, dead for ever once silent, and what this process carries on."""

import multiprocessing
from datetime import timedelta

import pytest

from agents.engine import workers
from agents.models import Worker
from workspaces.database import ClockTimestamp
from workspaces.ids import uuid7


@pytest.fixture
def mine(db):
    workers.retire()
    yield workers.incarnation()
    workers.retire()


def test_incarnation_stays_while_it_is_heard_of(mine):
    assert workers.heartbeat() is True
    assert workers.incarnation() == mine


def test_invariant_06_silent_incarnation_is_dead_for_ever(mine):
    Worker.objects.filter(pk=mine).update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
    assert not workers.living_workers().filter(pk=mine).exists()
    assert workers.heartbeat() is False
    assert workers.incarnation() != mine
    assert Worker.objects.get(pk=mine).heartbeat_at < Worker.objects.get(pk=workers.incarnation()).heartbeat_at


def test_retired_incarnation_is_not_taken_up_again(mine):
    workers.retire()
    assert Worker.objects.get(pk=mine).stopped_at is not None
    assert workers.incarnation() != mine


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_invariant_06_forked_process_is_no_incarnation_of_its_parent(mine):
    run = uuid7()

    def look(sender):
        sender.send((workers._current, workers.driven()))

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with workers.driving(run):
        process = context.Process(target=look, args=(sender,))
        process.start()
        process.join(120)
        assert receiver.poll()
        assert receiver.recv() == (None, frozenset())
        assert workers.driven() == {run}
    assert workers._current == mine


def test_run_is_driven_until_the_last_thread_has_left_it():
    run = uuid7()
    with workers.driving(run):
        with workers.driving(run):
            assert workers.driven() == {run}
        assert workers.driven() == {run}
    assert workers.driven() == frozenset()
