"""A run's time limit: by the database's clock, without what people took, and extended by people only."""

from datetime import timedelta

import pytest
from django.db.models import F

from agents.engine.clock import late_runs, time_spent, wake_late
from agents.engine.drive import drive
from agents.engine.lane.recording import write
from agents.engine.lane.taking import take
from agents.engine.lane.thinking import think
from agents.engine.sweep import sweep
from agents.engine.workers import incarnation, stop_driving
from agents.models import ModelRoute, Run
from agents.operations import NewTask, create_agent, publish_version, send_signal, start_runs
from approvals.models import Request
from tests.factories import SETUP
from tests.flows import nodes_of, step_of
from workspaces.errors import InvalidInput
from workspaces.models import Pause, ScopeKind
from workspaces.operations import teams
from workspaces.operations.pauses import pause, release

pytestmark = pytest.mark.django_db
HOUR = {"limits": {"time_limit_seconds": 3600}}
EVENT = {"paid": {"kind": "event", "name": "paid", "next": "end"}}
END = {"end": {"kind": "code", "function": "same", "arguments": {"value": 1}}}


def age(run, seconds, *, asked=0):
    """Let everything of the run have begun so many seconds earlier, of which people had ``asked`` before them."""
    Run.objects.filter(pk=run.pk).update(
        started_at=F("started_at") - timedelta(seconds=seconds), time_up_at=F("time_up_at") - timedelta(seconds=seconds)
    )
    Request.objects.filter(run_id=run.pk).update(opened_at=F("opened_at") - timedelta(seconds=asked))
    Pause.objects.update(created_at=F("created_at") - timedelta(seconds=asked))


def asked(run):
    return list(Request.objects.open().filter(run_id=run.id))


def test_run_that_waits_for_a_signal_is_found_and_goes_on_waiting_when_extended(flows, house):
    run = flows.run(EVENT | END, **HOUR)
    age(run, 3590)
    assert late_runs(9) == []
    age(run, 20)
    run = flows.rest(run)
    (request,) = asked(run)
    assert (run.status, step_of(run, "paid").awaits, late_runs(9)) == ("waiting", "budget", [])
    assert request.evidence["sentence"].startswith("The run has reached its time limit of 3,600 seconds")
    assert request.evidence["time"] == {"limit": 3600, "used": pytest.approx(3615, abs=6)}
    send_signal(workspace=house.cast.workspace, name="paid", key="", payload={}, by=house.cast.reviewer)
    with pytest.raises(InvalidInput, match="may take 3,600 seconds and has taken 3,6"):
        house.answer(request, seconds=3605)
    with pytest.raises(InvalidInput, match="say how long it may take"):
        house.answer(request, steps=99)
    house.answer(request, seconds=7200)
    run = flows.rest(run)
    assert (run.status, run.time_limit_seconds) == ("succeeded", 7200), run.explanation
    assert run.outcome["result"] == 1


def test_run_that_is_not_extended_fails_with_the_reason(flows, house):
    run = flows.run(EVENT | END, **HOUR)
    age(run, 3601)
    house.answer(asked(flows.rest(run))[0], "reject", reason="Nobody paid.")
    wake_late(run.id)  # a sweep that looked before the answer was carried out
    run = flows.rest(run)
    assert run.status == "failed"
    assert "time limit of 3,600 seconds" in run.explanation
    assert "Nobody paid." in run.explanation


def test_timer_that_was_looked_at_early_goes_on_waiting_as_long_as_it_should(flows, house):
    run = flows.run({"rest": {"kind": "wait", "for_seconds": 7000, "next": "end"}} | END, **HOUR)
    until = step_of(run, "rest").wake_at
    age(run, 3601)
    house.answer(asked(flows.rest(run))[0], seconds=8000)
    run = flows.rest(run)
    assert (run.status, step_of(run, "rest").wake_at) == ("waiting", until)
    assert nodes_of(run) == [("rest", "waiting")]


def test_what_people_take_is_not_counted_and_neither_is_a_pause(flows, house):
    form = {"ask": {"kind": "person", "title": "Say", "schema": {"type": "object"}, "next": "paid"}}
    run = flows.run(form | EVENT | END, **HOUR)
    age(run, 9000, asked=8990)
    run.refresh_from_db()
    assert time_spent(run.id) < timedelta(seconds=11)
    assert late_runs(9) == []  # people are asked
    house.answer(asked(run)[0], arguments={})
    run = flows.rest(run)
    assert (step_of(run, "paid").status, asked(run)) == ("waiting", [])
    where, by = house.cast.workspace, {"by": house.cast.owner, "right": "control_agent"}
    made = pause(workspace=where, scope_kind=ScopeKind.RUN, scope_id=run.id, reason="Stop.", **by)
    age(run, 5000, asked=5000)
    release(pause=made, **by)
    assert (flows.rest(run).status, asked(run)) == ("waiting", [])
    age(run, 3601)
    assert len(asked(flows.rest(run))) == 1


def test_child_takes_no_longer_than_its_parent_has_left(flows, house):
    agent = create_agent(workspace=house.cast.workspace, name="helper", title="Helper", by=SETUP)
    teams.grant(team=house.cast.reviewers, codename="start_agent", target=agent, by=SETUP)
    route = ModelRoute.objects.get(workspace=house.cast.workspace, name="default")
    flow = {"start": "paid", "nodes": {"paid": {"kind": "event", "name": "paid"}}}
    publish_version(agent=agent, goal="Help.", route=route, tools=[], workflow=flow, time_limit_seconds=9000, by=SETUP)
    sub = {"kind": "child", "agent": "helper", "text": "Do it."}
    run = flows.run({"paid": {**EVENT["paid"], "next": "sub"}, "sub": sub}, **HOUR)
    age(run, 600)
    send_signal(workspace=house.cast.workspace, name="paid", key="", payload={}, by=house.cast.reviewer)
    run = flows.rest(run)
    child = Run.objects.get(parent=run)
    assert 2900 < child.time_limit_seconds <= 3000
    drive(child.id)
    age(child, 3100)
    sweep(lambda _: None)
    drive(child.id)
    assert len(asked(child)) == 1
    Request.objects.filter(run_id=child.id).update(opened_at=F("opened_at") - timedelta(seconds=9000))
    age(run, 2000)
    assert asked(flows.rest(run)) == []  # people are asked about the child: that is not the parent's time either


def test_lane_keeps_the_time_and_leaves_a_run_whose_time_is_up_to_the_engine(flows, house):
    flows.publish({"rest": {**END["end"], "next": "end"}} | END, **HOUR)
    tasks = [NewTask(data={"n": 1}), NewTask(data={"n": 2})]
    first, second = start_runs(agent_id=flows.agent.id, tasks=tasks, by=house.cast.owner)
    taken = take(1)
    run = Run.objects.get(pk=first)
    assert [one.run_id for one in taken] == [first]
    assert timedelta(0) <= run.time_up_at - run.started_at - timedelta(seconds=3600) < timedelta(seconds=1)
    age(run, 3601)
    ended = [(one, think(one)) for one in taken]
    written = write(ended, incarnation=incarnation(), claims=True)
    assert (written.onward, written.tell) == ([], [first])
    assert [one.run_id for one in take(9)] == [second]
    stop_driving([first, second])
    run = flows.rest(run)
    assert (run.status, nodes_of(run)) == ("waiting", [("rest", "succeeded"), ("end", "waiting")])
    house.answer(asked(run)[0], seconds=7200)
    assert flows.rest(run).status == "succeeded"
