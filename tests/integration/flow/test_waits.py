"""Waiting: for a while, until a time; nothing is held meanwhile, and the sweep ends it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.engine.sweep import sweep
from agents.models import Step
from agents.waiting import why_it_waits
from tests.flows import nodes_of, step_of

pytestmark = pytest.mark.django_db
DONE = {"kind": "code", "function": "same", "arguments": {"value": "done"}}


def wait(**more):
    return {"kind": "wait", "next": "done", **more}


def let_time_pass(run):
    """Let the time come for which the run's steps wait."""
    Step.objects.filter(run=run, status="waiting").update(wake_at=timezone.now() - timedelta(seconds=1))


def test_wait_holds_nothing_and_goes_on_when_the_time_has_come(flows, house):
    run = flows.run({"pause": wait(for_seconds=3 * 86_400), "done": DONE})
    step = step_of(run, "pause")
    assert (run.status, step.status, step.incarnation) == ("waiting", "waiting", None)
    assert (step.wake_at - timezone.now()).days == 2
    assert why_it_waits(run, house.cast.owner, []).sentence.startswith("pause: It waits until ")
    let_time_pass(run)
    run = flows.rest(run)
    assert (run.status, nodes_of(run)) == ("succeeded", [("pause", "succeeded"), ("done", "succeeded")])


def test_wait_is_not_over_before_its_time(flows):
    run = flows.run({"pause": wait(for_seconds=60), "done": DONE})
    assert sweep(lambda _run: None)
    assert step_of(flows.rest(run), "pause").status == "waiting"


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00Z", {"$": "input.at"}])
def test_wait_until_a_time_that_is_past_goes_on_at_once(flows, until):
    run = flows.run({"pause": wait(until=until), "done": DONE}, {"at": "2021-05-01T12:00:00+02:00"})
    run = flows.rest(run)
    assert run.status == "succeeded"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"until": {"$": "input.at"}}, "such as"),
        ({"until": "2026-01-01T00:00:00"}, "has no zone"),
        ({"for_seconds": {"$": "input.at"}}, "a number of seconds"),
        ({"until": "2999-01-01T00:00:00Z"}, "may wait ten years"),
    ],
)
def test_time_that_is_none_fails_the_node(flows, more, said):
    run = flows.run({"pause": wait(**more), "done": DONE}, {"at": "soon"})
    assert run.status == "failed"
    assert said in run.explanation


def test_cancelling_ends_a_wait(flows, house):
    from agents.operations import cancel_run

    run = flows.run({"pause": wait(for_seconds=60), "done": DONE})
    cancel_run(run_id=run.id, by=house.cast.reviewer)
    run.refresh_from_db()
    assert (run.status, nodes_of(run)) == ("cancelled", [("pause", "cancelled")])
