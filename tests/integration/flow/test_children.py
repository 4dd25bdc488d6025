"""Child runs: another agent's work, within the rights and limits of the run that asks for it."""

from decimal import Decimal

import pytest

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import ModelRoute, Run
from agents.operations import cancel_run, create_agent, publish_version
from tests.factories import SETUP
from tests.flows import nodes_of, step_of
from tools.models import Budget
from workspaces.errors import InvalidInput
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


def code(value, **more):
    return {"kind": "code", "function": "same", "arguments": {"value": value}, **more}


@pytest.fixture
def helper(house):
    """Publish a workflow of another agent, which the reviewers may start."""
    agent = create_agent(workspace=house.cast.workspace, name="helper", title="Helper", by=SETUP)
    teams.grant(team=house.cast.reviewers, codename="start_agent", target=agent, by=SETUP)
    route = ModelRoute.objects.get(workspace=house.cast.workspace, name="default")

    def publish(nodes, limits=None, **more):
        flow = {"start": next(iter(nodes)), "nodes": nodes, **more} if nodes else None
        made = {"agent": agent, "goal": "Help.", "route": route, "tools": list(house.tools.values()), "by": SETUP}
        publish_version(workflow=flow, **made, **(limits or {}))
        return agent

    return publish


def ask(**more):
    return {"sub": {"kind": "child", "agent": "helper", **more}}


def settle(flows, run):
    """Carry the run and its children on until nothing moves."""
    for _ in range(6):
        for child in Run.objects.filter(parent=run):
            while drive(child.id):
                pass
        run = flows.rest(run)
    return run


def test_childs_outcome_is_the_output(flows, house, helper):
    helper({"h": code({"$": "input.n"})})
    flows.publish({**ask(input={"n": {"$": "input.n"}}, next="end"), "end": code({"$": "nodes.sub.output"})})
    run = settle(flows, flows.start({"n": 7}))
    assert (run.status, run.outcome["result"]) == ("succeeded", 7), run.explanation
    child = Run.objects.get(parent=run)
    assert (child.started_by, child.causes, child.environment) == (run.started_by, run.causes, run.environment)
    assert child.scopes == [*run.scopes, child.agent_id, child.id]
    assert run.steps_used == 3
    assert not step_of(run, "sub").output["trusted"]


def test_parent_waits_and_a_lost_wake_up_is_found(flows, helper):
    helper({"h": {"kind": "wait", "for_seconds": 60}})
    flows.publish(ask())
    run = flows.rest(flows.start({"n": 1}))
    child = Run.objects.get(parent=run)
    drive(child.id)
    assert (run.status, nodes_of(run)) == ("waiting", [("sub", "waiting")])
    child.steps.update(wake_at="2020-01-01T00:00Z")
    assert sweep(lambda _run: None)
    drive(child.id)
    assert sweep(lambda _run: None)
    assert flows.rest(run).status == "succeeded"


@pytest.mark.parametrize("way", ["sorry", None])
def test_child_that_fails_fails_the_node(flows, helper, way):
    helper({"h": code({"$": "input.gone"})})
    sorry = {"sorry": code({"$": "nodes.sub.error"})} if way else {}
    flows.publish({**ask(**({"on_failure": way} if way else {})), **sorry})
    run = settle(flows, flows.start({"n": 1}))
    said = run.outcome["text"] if way else run.explanation
    assert run.status == ("succeeded" if way else "failed")
    assert "The run of helper failed. h: The expression" in said


def test_child_has_no_more_steps_and_money_than_are_left(flows, helper):
    helper({"h": {"kind": "wait", "for_seconds": 60}}, limits={"step_limit": 50, "budget_usd": Decimal(9)})
    flows.publish({"a": code(1, next="sub"), **ask(budget_usd=2.5, step_limit=40)}, limits={"step_limit": 10})
    run = flows.rest(flows.start({"n": 1}))
    child = Run.objects.get(parent=run)
    assert (child.step_limit, Budget.objects.get(scope_id=child.id).limit) == (9, Decimal("2.5"))


def test_starter_needs_the_right_on_the_childs_agent(flows, house, helper):
    helper({"h": code(1)})
    flows.publish(ask())
    run = flows.rest(flows.start({"n": 1}, by=house.cast.finance))
    assert run.status == "failed"
    assert "may not give tasks to Helper" in run.explanation


@pytest.mark.parametrize(
    ("nodes", "more", "said"),
    [
        ({"h": code(1)}, {"input": {"n": "x"}}, "does not fit the workflow's input"),
        (None, {}, "it takes a text, and no input"),
        ({"h": code(1)}, {"text": {"$": "input.n"}}, "The text of a task is a text"),
    ],
)
def test_task_that_does_not_fit_the_child_fails_the_node(flows, helper, nodes, more, said):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    helper(nodes, **({"input": schema} if nodes else {}))
    flows.publish(ask(**more))
    run = flows.rest(flows.start({"n": 1}))
    assert run.status == "failed"
    assert said in run.explanation


def test_cancelling_reaches_the_child(flows, house, helper):
    helper({"h": {"kind": "wait", "for_seconds": 60}})
    flows.publish(ask())
    run = flows.rest(flows.start({"n": 1}))
    child = Run.objects.get(parent=run)
    drive(child.id)
    cancel_run(run_id=run.id, by=house.cast.reviewer)
    child.refresh_from_db()
    run.refresh_from_db()
    assert (run.status, child.status) == ("cancelled", "cancelled")


def test_child_that_is_not_needed_any_more_is_cancelled(flows, helper):
    helper({"h": {"kind": "wait", "for_seconds": 60}})
    branches = {
        "x": {"start": "sub", "nodes": ask()},
        "y": {"start": "w", "nodes": {"w": code(1, next="v"), "v": code(1)}},
    }
    flows.publish({"fan": {"kind": "parallel", "branches": branches, "join": "any"}})
    run = flows.rest(flows.start({"n": 1}))
    assert run.status == "succeeded", run.explanation
    assert Run.objects.get(parent=run).status == "cancelled"


def test_pause_of_the_parent_holds_the_child(flows, house, helper):
    from agents.operations.pausing import pause_scope

    helper({"h": code(1)})
    flows.publish(ask())
    run = flows.start({"n": 1})
    drive(run.id, quantum=1)
    child = Run.objects.get(parent=run)
    here, by = house.cast.workspace, house.cast.reviewer
    pause_scope(workspace=here, scope_kind="run", scope_id=run.id, reason="Stop.", by=by)
    drive(child.id)
    child.refresh_from_db()
    assert child.steps.get().status == "ready"


def test_runs_are_eight_deep_at_most(flows):
    again = {"sub": {"kind": "child", "agent": "flow", "text": "again", "at_most": 1}}
    with pytest.raises(InvalidInput, match="needs a bound"):
        flows.publish({"sub": {"kind": "child", "agent": "flow"}})
    flows.publish(again, limits={"step_limit": 100})
    first = flows.start()
    for _ in range(30):
        sweep(lambda _run: None)
        for run in Run.objects.filter(agent=flows.agent, finished_at=None):
            drive(run.id)
    assert Run.objects.filter(agent=flows.agent).count() == 8
    first.refresh_from_db()
    assert first.status == "failed"
    assert "8 deep at most" in Run.objects.filter(agent=flows.agent).order_by("-created_at")[0].explanation


def test_agent_that_is_not_there_is_refused(flows):
    with pytest.raises(InvalidInput, match="there is no agent 'helper'"):
        flows.publish(ask())
