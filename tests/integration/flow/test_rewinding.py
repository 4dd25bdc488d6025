"""Forks of workflows: which node comes next, whose output was edited, and what simulated nodes give."""

import pytest

from agents.engine.drive import drive
from agents.errors import CannotFork
from agents.models import ModelRoute, Run, RunSignal
from agents.operations import create_agent, fork_run, make_live, publish_version, send_signal
from approvals.models import Request
from tests.factories import SETUP
from tests.flows import nodes_of, step_of
from tools.models import Action
from workspaces.errors import InvalidInput
from workspaces.operations import teams

pytestmark = pytest.mark.django_db

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def code(value, **more):
    return {"kind": "code", "function": "same", "arguments": {"value": value}, **more}


def change(value, **more):
    return {"kind": "action", "tool": "change", "arguments": {"name": "ada", "value": value}, **more}


NODES = {
    "first": code({"n": {"$": "input.n"}}, output=NUMBER, next="act"),
    "act": change({"$": "string(nodes.first.output.n)"}, next="last"),
    "last": code({"$": "nodes.act.output"}),
}


@pytest.fixture
def done(flows, house):
    """A run that changed the record to 1, as somebody approved."""
    run = flows.run(NODES, {"n": 1})
    house.answer(Request.objects.open().get(run_id=run.id))
    run = flows.rest(run)
    assert (run.status, house.world.record["value"]) == ("succeeded", "1")
    return run


def fork(flows, run, at, by=None, **more):
    return flows.rest(fork_run(run_id=run.id, at=at, by=by or flows.house.cast.owner, **more))


def test_nodes_after_the_chosen_one_are_carried_out_with_edited_state_and_nothing_is_changed(flows, house, done):
    effects, asked = list(house.world.done), Request.objects.count()
    made = fork(flows, done, 1, state={"first": {"n": 7}})
    assert nodes_of(made) == [("first", "succeeded"), ("act", "succeeded"), ("last", "succeeded")]
    expected = {"name": "ada", "value": "7"}
    assert made.outcome["result"] == {"simulated": True, "expected": expected}
    assert not step_of(made, "act").output["trusted"]
    assert (house.world.done, house.world.record["value"], Request.objects.count()) == (effects, "1", asked)
    action = Action.objects.get(run_id=made.id)
    assert (action.status, action.is_simulated, action.attempts.filter(kind="execute").count()) == (
        "simulated",
        True,
        0,
    )
    assert not any(leaf["trusted"] for leaf in action.provenance if leaf["path"] == "/value")


def test_recorded_outcome_of_an_action_is_read_where_it_is(flows, house, done):
    made = fork(flows, done, 2)
    assert made.outcome == done.outcome
    assert not Action.objects.filter(run_id=made.id).exists()


def test_another_version_goes_on_with_its_own_nodes(flows, done):
    flows.publish({**NODES, "act": code({"$": "nodes.first.output.n + 1"}, next="last")})
    with pytest.raises(CannotFork, match="no such node act"):
        fork(flows, done, 2, version=2)
    made = fork(flows, done, 1, version=2)
    assert (made.version.number, made.outcome["result"]) == (2, 2)


REFUSED = [
    (3, {}, "Nothing comes after last"),
    (1, {"state": {"first": {"n": "seven"}}}, "cannot stand"),
    (1, {"state": {"act": {}}}, "cannot stand"),
    (1, {"state": {"gone": {}}}, "cannot stand"),
    (1, {"state": {"first": {"n": 1, "x": "x" * 1_100_000}}}, "cannot stand"),
    (1, {"message": "Hello"}, "is told nothing"),
    (1, {"result": {"n": 1}}, "cannot stand"),
]


def test_bad_input_is_refused_and_nothing_begins(flows, house, done):
    runs = Run.objects.count()
    for at, more, error in REFUSED:
        with pytest.raises((CannotFork, InvalidInput), match=error):
            fork_run(run_id=done.id, at=at, by=house.cast.owner, **more)
    assert Run.objects.count() == runs


def test_failed_node_is_tried_anew_from_the_step_before_it(flows, house):
    run = flows.run({"a": code({"n": 0}, next="b"), "b": code({"$": "10 / nodes.a.output.n"})})
    assert run.status == "failed"
    with pytest.raises(CannotFork, match="Nothing comes after b"):
        fork(flows, run, 2)
    assert fork(flows, run, 1, state={"a": {"n": 5}}).outcome["result"] == 2


def test_branches_that_ran_beside_others_are_repeated_as_what_they_gave(flows, house):
    inner = {"start": "b", "nodes": {"b": code({"$": "item"})}}
    nodes = {
        "many": {"kind": "map", "over": [1, 2], "do": inner, "next": "end"},
        "end": code({"$": "nodes.many.output"}),
    }
    run = flows.run(nodes)
    inside = run.steps.filter(node="b").first()
    with pytest.raises(CannotFork, match="ran beside others"):
        fork(flows, run, inside.number)
    made = fork(flows, run, step_of(run, "many").number)
    assert made.outcome == run.outcome
    assert nodes_of(made) == [("many", "succeeded"), ("end", "succeeded")]


def test_child_of_a_simulated_run_is_simulated_and_goes_live_with_it(flows, house):
    helper = create_agent(workspace=house.cast.workspace, name="helper", title="Helper", by=SETUP)
    teams.grant(team=house.cast.reviewers, codename="start_agent", target=helper, by=SETUP)
    route = ModelRoute.objects.get(workspace=house.cast.workspace, name="default")
    slow = {"start": "w", "nodes": {"w": {"kind": "wait", "for_seconds": 3600, "next": "act"}, "act": change("9")}}
    tools = list(house.tools.values())
    publish_version(agent=helper, goal="Help.", route=route, tools=tools, workflow=slow, by=SETUP)
    sub = {"kind": "child", "agent": "helper", "text": "Please."}
    run = flows.run({"a": code(1, next="sub"), "sub": sub})
    made = fork(flows, run, 1)
    child = Run.objects.get(parent=made)
    while drive(child.id):
        pass
    assert child.mode == "simulated"
    with pytest.raises(Exception, match="part of a simulated one"):
        make_live(run_id=child.id, by=house.cast.owner)
    make_live(run_id=made.id, by=house.cast.reviewer)
    child.refresh_from_db()
    assert (child.mode, house.cast.reviewer.id in child.causes) == ("live", True)


def test_simulated_run_hears_a_signal_and_takes_it_from_nobody(flows, house):
    nodes = {"a": code(1, next="e"), "e": {"kind": "event", "name": "paid", "key": "7"}}
    run = flows.run(nodes)
    made = fork(flows, run, 1)
    sent = send_signal(workspace=house.cast.workspace, name="paid", key="7", payload={"x": 1}, by=house.cast.owner)
    assert (sent.delivered_to, flows.rest(run).status, flows.rest(made).status) == (1, "succeeded", "succeeded")
    again = fork(flows, run, 1)
    kept = send_signal(workspace=house.cast.workspace, name="paid", key="7", payload={"x": 2}, by=house.cast.owner)
    assert (kept.delivered_to, flows.rest(again).status) == (0, "succeeded")
    assert RunSignal.objects.get(pk=kept.signal.pk).taken_at is None
    assert flows.rest(flows.start()).outcome["result"] == {"x": 2}


def test_forms_of_a_simulated_run_say_so(flows, house):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    run = flows.run({"a": code(1, next="f"), "f": {"kind": "person", "title": "How many?", "schema": schema}})
    made = fork(flows, run, 1)
    asked = Request.objects.open()
    assert (asked.get(run_id=run.id).title, asked.get(run_id=made.id).title) == (
        "How many?",
        "Simulated run: How many?",
    )


def test_calls_of_a_model_node_are_proposed_anew_within_its_visit(flows, house, talker):
    nodes = {"m": {"kind": "model", "next": "end"}, "end": code({"$": "nodes.m.output.text"})}
    talker.calls(("change", {"name": "ada", "value": "1"}))
    run = flows.run(nodes)
    talker.turns.left.clear()
    talker.says("In the fork.")
    made = fork(flows, run, 1)
    assert (made.status, made.outcome["result"]) == ("succeeded", "In the fork."), made.explanation
    assert nodes_of(made) == [("m", "succeeded")] * 3 + [("end", "succeeded")]
    assert Action.objects.get(run_id=made.id).status == "simulated"
    assert house.world.done == []
