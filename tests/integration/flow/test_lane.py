"""The fast lane: what it writes is what the engine writes, for many runs at once, and nothing is lost or done twice."""

import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from agents.engine import workers
from agents.engine.lane import calls, statements
from agents.engine.lane import ride as riding
from agents.engine.lane.ride import ride
from agents.engine.lane.taking import take
from agents.engine.sweep import sweep
from agents.engine.takeovers import hand_back_dropped
from agents.models import Run, Step, Worker
from agents.operations import NewTask, cancel_run, start_runs
from agents.states import RUN_TRANSITIONS, STEP_TRANSITIONS, RunStatus
from agents.workflows.functions import Function, register
from approvals.models import Request
from audit.ledger.models import Event
from workspaces.errors import InvalidInput
from workspaces.models import Pause, Salt, ScopeKind

CHAIN: dict[str, Any] = {
    "a": {"kind": "code", "function": "same", "arguments": {"value": {"$": "input.n"}}, "next": "b"},
    "b": {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.a.output + 1"}}, "next": "way"},
    "way": {"kind": "branch", "cases": [{"when": "nodes.b.output > 100", "next": None}], "else": "c"},
    "c": {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.b.output * 2"}}},
}
BROKEN: dict[str, Any] = {"kind": "code", "function": "same", "arguments": {"value": {"$": "input.gone"}}}

register(Function("test.defect", "", lambda: (_ for _ in ()).throw(KeyboardInterrupt), {"type": "object"}))


@pytest.fixture
def told():
    return []


@pytest.fixture
def go(told):
    """Ride until nothing is due; what the engine is told of is kept."""
    return lambda **more: ride(call=lambda: told.append("call"), tell=told.append, **more)


def begin(flows, count, nodes=CHAIN, by=None, priority="batch", **more):
    flows.publish(nodes, **more)
    tasks = [NewTask(data={"n": n}) for n in range(count)]
    return start_runs(agent_id=flows.agent.id, tasks=tasks, priority=priority, by=by or flows.house.cast.owner)


def told_in_the_ledger(runs):
    steps = Step.objects.filter(run_id__in=runs).values_list("id", flat=True)
    subjects = [str(one) for one in [*runs, *steps]]
    return Event.objects.filter(subject_id__in=subjects)


@pytest.mark.django_db
def test_runs_are_carried_to_their_ends_together(flows, go, told):
    runs = begin(flows, 20)
    assert go() is False
    ended = Run.objects.filter(pk__in=runs).order_by("id")
    assert {(run.status, run.steps_used, run.open_steps, run.turn) for run in ended} == {("succeeded", 4, 0, 4)}
    assert [run.outcome["result"] for run in ended] == [2 * (n + 1) for n in range(20)]
    assert all(run.started_at and run.finished_at for run in ended)
    assert told == []


@pytest.mark.django_db
def test_what_the_lane_writes_is_what_the_engine_writes(flows, go, settings, monkeypatch):
    by_lane = begin(flows, 1)
    go()
    monkeypatch.setattr("agents.engine.lane.ride.is_open", lambda: False)
    by_engine = flows.rest(flows.start({"n": 0}, text=""))
    kept = ("number", "turn", "kind", "node", "thread", "visit", "status", "input", "output", "explanation", "attempt")
    rows = [list(Step.objects.filter(run_id=run).values(*kept)) for run in (by_lane[0], by_engine.id)]
    assert rows[0] == rows[1]
    one, other = Run.objects.get(pk=by_lane[0]), by_engine
    same = ("status", "outcome", "explanation", "steps_used", "open_steps", "turn", "title", "step_limit", "causes")
    assert {name: getattr(one, name) for name in same} == {name: getattr(other, name) for name in same}


@pytest.mark.django_db
def test_every_move_is_told_in_the_ledger(flows, go):
    runs = begin(flows, 3)
    go()
    verbs = dict(told_in_the_ledger(runs).values_list("verb").annotate(n=Count("id")))
    assert verbs == {
        "run.queued": 3,
        "run.running": 3,
        "run.succeeded": 3,
        "step.ready": 3,
        "step.running": 12,
        "step.succeeded": 12,
    }


@pytest.mark.django_db
def test_every_move_is_one_of_the_lifecycle(flows, go):
    runs = begin(flows, 2) + begin(flows, 1, {"a": BROKEN})
    go()
    tables: dict[str, Any] = {"run": RUN_TRANSITIONS, "step": STEP_TRANSITIONS}
    moves = told_in_the_ledger(runs).filter(body__has_key="from").values_list("subject_type", "body__from", "verb")
    assert moves.count() > 10
    for what, old, verb in moves:
        assert verb.removeprefix(f"{what}.") in tables[what][old]


@pytest.mark.django_db
def test_statements_do_not_grow_with_the_runs(flows, go, monkeypatch):
    asked = []
    really = statements.ask
    for place in ("agents.engine.lane.recording.ask", "agents.engine.lane.taking.ask"):
        monkeypatch.setattr(place, lambda sql, values: asked.append(sql) or really(sql, values))
    go()
    asked.clear()
    begin(flows, 2)
    go()
    few = len(asked)
    asked.clear()
    begin(flows, 50)
    go()
    assert len(asked) <= few


@pytest.mark.django_db
def test_failures_go_their_way_or_end_the_run(flows, go):
    [lost] = begin(flows, 1, {"a": BROKEN})
    [kept] = begin(flows, 1, {"a": {**BROKEN, "on_failure": "b", "next": "b"}, "b": {**CHAIN["a"], "next": None}})
    go()
    assert Run.objects.get(pk=lost).explanation.startswith("a: The expression “input.gone” failed")
    assert Run.objects.get(pk=lost).status == RunStatus.FAILED
    assert [s.status for s in Step.objects.filter(run_id=kept)] == ["failed", "succeeded"]


@pytest.mark.django_db
def test_loop_is_bounded_on_the_lane(flows, go):
    nodes = {
        "a": {**CHAIN["a"], "next": "b", "at_most": 3},
        "b": {"kind": "branch", "cases": [{"when": "true", "next": "a"}]},
    }
    [run] = begin(flows, 1, nodes)
    go()
    assert Run.objects.get(pk=run).explanation == "a: The node a may be visited 3 times."
    assert Step.objects.filter(run_id=run).count() == 7


@pytest.mark.django_db
def test_step_limit_is_left_to_the_engine_which_asks_people(flows, go, told):
    [run] = begin(flows, 1, limits={"step_limit": 2})
    go()
    assert told == [run]
    assert [s.status for s in Step.objects.filter(run_id=run)] == ["succeeded", "succeeded", "ready"]
    flows.rest(Run.objects.get(pk=run))
    assert Request.objects.open().filter(run_id=run, kind="budget").exists()


@pytest.mark.django_db
def test_invariant_10_nothing_of_a_paused_run_is_taken(flows, go, cast):
    runs = begin(flows, 2)
    values = {"workspace": cast.workspace, "scope_kind": ScopeKind.RUN, "reason": "Look.", "created_by": cast.owner}
    Pause.objects.create(scope_id=runs[0], **values)
    go()
    assert [Run.objects.get(pk=run).status for run in runs] == ["queued", "succeeded"]


@pytest.mark.django_db
def test_invariant_10_a_pause_in_the_middle_stops_the_next_step(flows, cast, monkeypatch, go):
    [run] = begin(flows, 1)
    values = {"workspace": cast.workspace, "scope_kind": ScopeKind.RUN, "reason": "Look.", "created_by": cast.owner}
    really = riding.think

    def pause_first(carried):
        Pause.objects.get_or_create(scope_id=run, defaults=values)
        return really(carried)

    monkeypatch.setattr(riding, "think", pause_first)
    go()
    assert [s.status for s in Step.objects.filter(run_id=run)] == ["succeeded", "ready"]


@pytest.mark.django_db
def test_cancelled_run_ends_at_the_boundary(flows, cast, monkeypatch, go):
    [run] = begin(flows, 1)
    really = riding.think

    def cancel_first(carried):
        if Run.objects.get(pk=run).cancel_requested_at is None:
            cancel_run(run_id=run, by=cast.owner)
        return really(carried)

    monkeypatch.setattr(riding, "think", cancel_first)
    go()
    assert Run.objects.get(pk=run).status == RunStatus.CANCELLED
    assert [s.status for s in Step.objects.filter(run_id=run)] == ["succeeded"]


@pytest.mark.django_db
def test_invariant_06_a_step_that_was_taken_over_is_not_written(flows, monkeypatch, go):
    one, other = begin(flows, 2)
    really = riding.think

    def lose(carried):
        if carried.run_id == one:
            Step.objects.filter(pk=carried.step.id).update(attempt=7)
        return really(carried)

    monkeypatch.setattr(riding, "think", lose)
    go()
    step = Step.objects.get(run_id=one)
    assert (step.status, step.output, Run.objects.get(pk=one).steps_used) == ("running", None, 0)
    assert Run.objects.get(pk=other).status == RunStatus.SUCCEEDED


@pytest.mark.django_db
def test_dead_process_takes_nothing_until_it_has_a_new_identity(flows, go):
    runs = begin(flows, 1)
    workers.heartbeat()
    Worker.objects.filter(pk=workers.incarnation()).update(heartbeat_at="2020-01-01T00:00:00Z")
    before = Worker.objects.count()
    go()
    assert Worker.objects.count() > before
    assert Run.objects.get(pk=runs[0]).status == RunStatus.SUCCEEDED


@pytest.mark.django_db
def test_defect_stumbles_over_one_run_and_not_over_the_others(flows, monkeypatch, go, settings):
    settings.RETRY_BASE_SECONDS = 60
    one, other = begin(flows, 2)
    really = riding.think
    monkeypatch.setattr(riding, "think", lambda carried: None if carried.run_id == one else really(carried))
    go()
    step = Step.objects.get(run_id=one)
    assert (step.status, step.failures) == ("ready", 1)
    assert Run.objects.get(pk=other).status == RunStatus.SUCCEEDED


@pytest.mark.django_db
def test_more_runs_than_places_call_another_worker(flows, go, told):
    runs = begin(flows, 10)
    go(most=4)
    assert told[0] == "call"
    assert not Run.objects.filter(pk__in=runs).exclude(status=RunStatus.SUCCEEDED).exists()


@pytest.mark.django_db
def test_sweep_calls_to_the_lane_and_not_for_each_run(flows):
    runs = set(begin(flows, 5))
    called, each = [], []
    sweep(each.append, call=lambda: called.append("call"))
    assert (called, runs & set(each)) == (["call"], set())
    ride(call=lambda: None, tell=each.append)
    sweep(each.append, call=lambda: called.append("again"))
    assert (called, runs & set(each)) == (["call"], set())


@pytest.mark.django_db
def test_claimed_runs_are_not_dropped_while_they_are_carried(flows):
    runs = begin(flows, 3)
    taken = take(10)
    assert {one.run_id for one in taken} == set(runs) <= workers.driven()
    assert hand_back_dropped() == []
    workers.stop_driving(one.run_id for one in taken)
    assert set(hand_back_dropped()) == set(runs)


@pytest.mark.django_db
def test_tasks_begin_together_or_not_at_all(flows, cast):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    flows.publish(CHAIN, input=schema)
    tasks = [NewTask(data={"n": 1}), NewTask(data={"n": "x"}), NewTask(data={"m": 1})]
    with pytest.raises(InvalidInput) as refused:
        start_runs(agent_id=flows.agent.id, tasks=tasks, by=cast.owner)
    assert set(refused.value.fields) == {"tasks/1/data", "tasks/2/data"}
    assert not Run.objects.filter(agent=flows.agent).exists()
    with pytest.raises(InvalidInput, match="From 1 to 1,000"):
        start_runs(agent_id=flows.agent.id, tasks=[], by=cast.owner)


OWN = {"id", "run", "scopes", "created_at", "value", "scope_id"}


def alike(row):
    """Return what has to be the same of rows that began in the same way."""
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name not in OWN}


@pytest.mark.django_db
def test_runs_begun_together_are_rows_like_those_begun_alone(flows):
    [together] = begin(flows, 1)
    alone = flows.start({"n": 0}, text="", source="api", priority="batch").pk
    one, other = Run.objects.get(pk=together), Run.objects.get(pk=alone)
    assert alike(one) == alike(other)
    assert one.scopes == [one.workspace_id, one.agent_id, one.pk]
    [first], [other_first] = one.steps.all(), other.steps.all()
    assert alike(first) == alike(other_first)
    assert first.scopes == one.scopes
    assert alike(Salt.objects.get(scope_id=together)) == alike(Salt.objects.get(scope_id=alone))


@pytest.mark.django_db
def test_many_runs_begin_by_as_many_statements_as_few(flows):
    begin(flows, 1)
    with CaptureQueriesContext(connection) as few:
        start_runs(agent_id=flows.agent.id, tasks=[NewTask(data={"n": 1})] * 2, by=flows.house.cast.owner)
    with CaptureQueriesContext(connection) as many:
        start_runs(agent_id=flows.agent.id, tasks=[NewTask(data={"n": 1})] * 40, by=flows.house.cast.owner)
    assert len(few) == len(many)


@pytest.mark.django_db(transaction=True)
def test_two_rides_at_once_carry_each_run_once(flows):
    runs = begin(flows, 30)
    barrier = threading.Barrier(2)

    def act():
        barrier.wait(30)
        ride(call=lambda: None, tell=lambda _: None, most=8)
        connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Run.objects.filter(pk__in=runs).values_list("status", "steps_used")) == {("succeeded", 4)}
    assert set(Step.objects.filter(run_id__in=runs).values_list("status", "attempt")) == {("succeeded", 1)}


def test_one_call_is_enough_until_somebody_comes():
    calls.heed()
    assert [calls.is_first(), calls.is_first()] == [True, False]
    calls.heed()
    assert calls.is_first()
    calls.heed()


@pytest.mark.django_db
def test_interactive_runs_go_first_and_leave_a_quarter_of_the_places(flows, house):
    batch = begin(flows, 8)
    now = begin(flows, 8, priority="interactive")
    assert set(Run.objects.filter(pk__in=batch).values_list("priority", "steps__priority")) == {("batch", "batch")}
    first = [one.run_id for one in take(8)]
    assert (sum(run in now for run in first), sum(run in batch for run in first)) == (6, 2)
    assert set(first) >= set(batch[:2]) | set(now[:6])
    later = [one.run_id for one in take(8)]
    assert (sum(run in now for run in later), sum(run in batch for run in later)) == (2, 6)
    workers.stop_driving([*first, *later])
