"""Workers of two versions on one database: what the older one does not know waits for the newer one."""

import pytest

from agents.engine.workers import retire
from agents.models import Worker
from agents.operations import fork_run
from agents.waiting import why_it_waits
from tests.integration.workers.conftest import until
from tests.integration.workers.test_crashes import begin, ended, hold_first_answer

pytestmark = [pytest.mark.django_db(transaction=True)]
OLDER = "tests.integration.workers.older"


def test_older_worker_leaves_newer_runs_alone_and_both_versions_together_lose_nothing(desk, talker, workers):
    held = hold_first_answer(talker)
    old = workers("old", app=OLDER)
    in_flight = begin(desk)
    assert until(held.reached.is_set, what="the model call")
    fork = fork_run(run_id=in_flight.id, at=0, by=desk.cast.owner)
    retire()
    assert list(Worker.objects.filter(stopped_at=None).values_list("format", flat=True)) == [1]
    other = begin(desk)
    until(ended(other), what="the end of a run that the older worker knows")
    step = fork.steps.get()
    assert (step.status, step.attempt) == ("ready", 0)
    (reason,) = why_it_waits(fork, desk.cast.owner, []).reasons
    assert (reason.kind, "newer version" in reason.sentence) == ("no_worker", True)
    workers("new")
    until(ended(fork), what="the end of the fork")
    old.kill()
    until(ended(in_flight), what="the end of the run that was in flight")
    held.go.set()
    assert {run.status for run in (in_flight, other, fork)} == {"succeeded"}
