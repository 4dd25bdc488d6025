"""Workflows carried out by the engine: nodes, branches, loops, failures, limits."""

import pytest

from agents.workflows.functions import Function, register
from approvals.models import Request
from audit.ledger.models import Event
from tests.flows import nodes_of, step_of
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db
register(Function("test.large", "", lambda size: "x" * size, {"type": "object"}))


def same(value, **more):
    return {"kind": "code", "function": "same", "arguments": {"value": value}, **more}


def take(expression, **more):
    return same({"$": expression}, **more)


def test_nodes_follow_one_another_and_pass_values_on(flows):
    nodes = {"a": take("input.n + 1", next="b"), "b": take("nodes.a.output * 2")}
    run = flows.run(nodes, {"n": 20})
    assert (run.status, run.outcome) == ("succeeded", {"text": "", "result": 42}), run.explanation
    assert nodes_of(run) == [("a", "succeeded"), ("b", "succeeded")]
    assert (run.steps_used, run.open_steps) == (2, 0)
    made = Event.objects.filter(subject_type="step", body__kind="code").values_list("verb", flat=True)
    assert list(made.order_by("sequence")) == ["step.ready", "step.running"]


def test_result_is_made_of_nodes(flows):
    run = flows.run({"a": same(1, next="b"), "b": same("done")}, result={"text": {"$": "nodes.b.output"}, "a": [1.0]})
    assert run.outcome == {"text": "done", "result": {"text": "done", "a": [1.0]}}


@pytest.mark.parametrize(("n", "node"), [(1, "one"), (2, "many"), (None, "many")])
def test_branch_goes_the_way_of_the_first_case_that_holds(flows, n, node):
    ways = {"kind": "branch", "cases": [{"when": "input.n == 1", "next": "one"}], "else": "many"}
    run = flows.run({"way": ways, "one": same(1), "many": same(2)}, {"n": n})
    assert nodes_of(run) == [("way", "succeeded"), (node, "succeeded")]


def test_branch_may_end_the_flow(flows):
    ways = {"kind": "branch", "cases": [{"when": "true", "next": None}], "else": "more"}
    run = flows.run({"way": ways, "more": same(2)})
    assert (run.status, nodes_of(run)) == ("succeeded", [("way", "succeeded")])


def test_loop_ends_by_its_condition(flows):
    nodes = {
        "begin": same(0, next="count"),
        "count": take("(has(nodes.count) ? nodes.count.output : 0) + 1", next="again", at_most=10),
        "again": {"kind": "branch", "cases": [{"when": "nodes.count.output < 3", "next": "count"}]},
    }
    run = flows.run(nodes, result={"$": "nodes.count.output"})
    assert (run.status, run.outcome["result"]) == ("succeeded", 3), run.explanation


def test_loop_that_does_not_end_fails_at_its_bound(flows):
    nodes = {"a": same(1, next="b", at_most=3), "b": {"kind": "branch", "cases": [{"when": "true", "next": "a"}]}}
    run = flows.run(nodes)
    assert (run.status, run.explanation) == ("failed", "a: The node a may be visited 3 times.")
    assert len(nodes_of(run)) == 7


def test_bound_is_no_way_out_of_itself(flows):
    nodes = {
        "a": same(1, next="b", at_most=2, on_failure="c"),
        "b": {"kind": "branch", "cases": [{"when": "true", "next": "a"}]},
        "c": same("tried", next="b"),
    }
    run = flows.run(nodes)
    assert run.status == "failed"
    assert [node for node, _ in nodes_of(run)] == ["a", "b", "a", "b", "a", "c", "b", "a"]


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        (take("input.gone"), "a: The expression “input.gone” failed: there is no “gone”."),
        (take("1 / input.n"), "a: The expression “1 / input.n” failed: INVALID_ARGUMENT: divide by zero"),
        (same("x", output={"type": "integer"}), "a: Its output does not fit the node's schema. This has to be"),
        ({"kind": "code", "function": "list.sum", "arguments": {}}, "a: The arguments of list.sum do not fit"),
        ({"kind": "branch", "cases": [{"when": "input.n"}]}, "a: The condition “input.n” gives a number"),
    ],
)
def test_node_that_fails_ends_the_run_with_its_sentence(flows, node, sentence):
    run = flows.run({"a": node}, {"n": 0})
    assert run.status == "failed"
    assert run.explanation.startswith(sentence)


def test_failure_has_a_way_of_its_own(flows):
    nodes = {"a": take("input.gone", on_failure="sorry", next="b"), "b": same(1), "sorry": take("nodes.a.error")}
    run = flows.run(nodes)
    assert (run.status, nodes_of(run)) == ("succeeded", [("a", "failed"), ("sorry", "succeeded")])
    assert "there is no “gone”" in run.outcome["text"]


def test_state_of_50_mb_fails_the_step_and_nothing_else(flows):
    large = {"kind": "code", "function": "test.large", "arguments": {"size": 50_000_000}, "on_failure": "sorry"}
    run = flows.run({"a": large, "sorry": take("nodes.a.error")})
    assert (run.status, run.outcome["text"][:33]) == ("succeeded", "Its output has 50,000,002 bytes; ")


def test_result_that_cannot_be_made_fails_the_run(flows):
    run = flows.run({"a": same(1)}, result={"$": "nodes.a.output.gone"})
    assert run.status == "failed"
    assert run.explanation.startswith("The workflow's result could not be made.")


def test_step_limit_asks_people_and_goes_on(flows, house):
    run = flows.run({"a": same(1, next="b"), "b": same(2, next="c"), "c": same(3)}, limits={"step_limit": 2})
    assert (run.status, nodes_of(run)[-1]) == ("waiting", ("c", "waiting"))
    house.answer(Request.objects.open().get(run_id=run.id, kind="budget"), steps=5)
    run = flows.rest(run)
    assert (run.status, run.outcome["result"]) == ("succeeded", 3), run.explanation


def test_step_limit_that_is_not_extended_ends_the_run(flows, house):
    run = flows.run({"a": same(1, next="b"), "b": same(2)}, limits={"step_limit": 1})
    house.answer(Request.objects.open().get(run_id=run.id), "reject", reason="Enough.")
    assert flows.rest(run).status == "failed"


def test_trust_follows_the_values(flows):
    nodes = {
        "a": same(1, next="b"),
        "b": take("nodes.a.output", next="c"),
        "c": take("[nodes.b.output, input]", next="d"),
        "d": take("nodes.c.output[0]", next="e"),
        "e": take("run.id", next="f"),
        "f": take("run.title"),
    }
    run = flows.run(nodes)
    trusted = {step.node: step.output["trusted"] for step in run.steps.all()}
    assert trusted == {"a": True, "b": True, "c": False, "d": False, "e": True, "f": False}


def test_what_a_workflow_is_given_fits_its_schema(flows):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    flows.publish({"a": take("input.n")}, input=schema)
    with pytest.raises(InvalidInput, match="/n: This is needed"):
        flows.start({})
    with pytest.raises(InvalidInput, match="does not fit"):
        flows.start({"n": "x"})
    assert flows.rest(flows.start({"n": 5}, text="")).outcome["result"] == 5


def test_agent_without_a_workflow_takes_a_text_only(house):
    from agents.operations import start_run

    with pytest.raises(InvalidInput, match="text only"):
        start_run(agent_id=house.agent.id, text="x", data={"n": 1}, by=house.cast.owner)


def test_version_keeps_what_cannot_be_run_out(flows):
    with pytest.raises(InvalidInput, match="nodes/a/next: there is no node 'wrk'"):
        flows.publish({"a": same(1, next="wrk")})
    assert flows.agent.versions.count() == 0


def test_newest_visit_counts(flows):
    nodes = {
        "a": take("has(nodes.a) ? nodes.a.output + 1 : 1", next="b", at_most=2),
        "b": {"kind": "branch", "cases": [{"when": "nodes.a.output < 2", "next": "a"}], "else": "c"},
        "c": take("nodes.a.output"),
    }
    run = flows.run(nodes)
    assert run.outcome["result"] == 2
    assert step_of(run, "a").visit == 2
