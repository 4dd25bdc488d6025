"""What the kernel says of processes: gone for certain, or perhaps still there."""

import os
import signal
import subprocess
import sys

import pytest

from agents.engine import workers
from agents.engine.processes import born, is_gone, machine
from agents.models import Worker


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_running_and_frozen_processes_are_there(sleeper):
    began = born(sleeper.pid)
    assert machine()
    assert not is_gone(sleeper.pid, began)
    sleeper.send_signal(signal.SIGSTOP)
    assert not is_gone(sleeper.pid, began)


def test_killed_process_is_gone_also_while_its_parent_has_not_asked(sleeper):
    began = born(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(sleeper.pid, began)
    sleeper.wait()
    assert is_gone(sleeper.pid, began)


def test_another_process_under_the_same_id_is_not_the_one_that_was(sleeper):
    assert is_gone(sleeper.pid, born(sleeper.pid) - 1)


@pytest.mark.django_db
def test_invariant_06_worker_of_this_machine_is_dead_once_its_process_is_gone(sleeper):
    place = {"machine": machine(), "pid": sleeper.pid, "born": born(sleeper.pid)}
    here = Worker.objects.create(name="here", **place)
    elsewhere = Worker.objects.create(name="elsewhere", **{**place, "machine": "another"})
    assert workers.bury() == 0
    sleeper.kill()
    sleeper.wait()
    assert workers.bury() == 1
    assert list(workers.living_workers()) == [elsewhere]
    here.refresh_from_db()
    assert (here.died_at is None, here.stopped_at) == (False, None)
