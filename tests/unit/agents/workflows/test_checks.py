"""Workflows that cannot be run are refused when a version is published, in sentences that name the place."""

import pytest

from agents.workflows.checks import Names, check_workflow
from workspaces.errors import InvalidInput

NAMES = Names(tools=frozenset({"look"}))


def code(**more):
    return {"kind": "code", "function": "same", "arguments": {"value": 1}, **more}


def branch(*ways, otherwise=None, **more):
    return {"kind": "branch", "cases": [{"when": "true", "next": way} for way in ways], "else": otherwise, **more}


def problems(nodes, start="a", **more):
    with pytest.raises(InvalidInput) as refused:
        check_workflow({"start": start, "nodes": nodes, **more}, NAMES)
    assert refused.value.message.startswith("This workflow cannot be run.")
    return refused.value.fields["workflow"]


@pytest.mark.parametrize(
    "nodes",
    [
        {"a": code()},
        {"a": code(next="b"), "b": branch("a", at_most=3)},
        {"a": code(next="b", output={"type": "integer"}), "b": branch("c", otherwise="d"), "c": code(), "d": code()},
        {"a": code(on_failure="b"), "b": code(arguments={"value": {"$": "nodes.a.error"}})},
    ],
)
def test_workflow_that_can_be_run_is_taken(nodes):
    assert set(check_workflow({"start": "a", "nodes": nodes}, NAMES).nodes) == set(nodes)


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({}, "nodes: dictionary should have at least 1 item"),
        ({"a": {"kind": "magic"}}, "nodes/a: there is no such kind of node"),
        ({"a": {}}, "nodes/a: it needs a kind"),
        ({"a": code(arguments=5)}, "nodes/a/arguments: "),
        ({"a": code(colour="red")}, "nodes/a/colour: there is no such field"),
        ({"a": {"kind": "code"}}, "nodes/a/function: this is needed"),
        ({"a b": code()}, "nodes/a b: A node's id"),
        ({"a": branch()}, "nodes/a/cases: "),
        ({"a": {"kind": "branch", "cases": [{"next": None}]}}, "nodes/a/cases/0/when: this is needed"),
        ({"a": code(next="wrk")}, "nodes/a/next: there is no node 'wrk'"),
        ({"a": branch("wrk")}, "nodes/a/cases/0/next: there is no node 'wrk'"),
        ({"a": branch(None, otherwise="wrk")}, "nodes/a/else: there is no node 'wrk'"),
        ({"a": code(on_failure="wrk")}, "nodes/a/on_failure: there is no node 'wrk'"),
        ({"b": code()}, "start: there is no node 'a'"),
        ({"a": code(), "b": code()}, "nodes/b: nothing leads to this node"),
        ({"a": code(next="a", at_most=2)}, "nodes/a: no end can be reached from here"),
        ({"a": code(next="b"), "b": branch("a")}, "nodes/a: this loop has no bound"),
        ({"a": branch("a")}, "nodes/a: this loop has no bound"),
        ({"a": code(on_failure="a")}, "nodes/a: this loop has no bound"),
        ({"a": code(function="rm")}, "nodes/a/function: there is no function 'rm'"),
        ({"a": code(output={"type": "wat"})}, "nodes/a/output: "),
        ({"a": code(arguments={"value": {"$": "input."}})}, "nodes/a/arguments/value: the expression"),
        ({"a": code(arguments={"value": {"$": "nodes.z"}})}, "nodes/a/arguments/value: the expression “nodes.z” names"),
        ({"a": code(arguments={"value": {"$": "item"}})}, "nodes/a/arguments/value: the expression “item” cannot"),
        ({"a": code(arguments={"value": {"$": 5}})}, "nodes/a/arguments/value: an expression is"),
        ({"a": code(at_most=0)}, "nodes/a/at_most: "),
    ],
)
def test_workflow_that_cannot_be_run_is_refused_in_a_sentence(nodes, sentence):
    assert any(problem.startswith(sentence) for problem in problems(nodes)), problems(nodes)


def test_condition_of_a_branch_is_checked():
    ways = {"kind": "branch", "cases": [{"when": "nodes.gone.output ==", "next": None}]}
    assert problems({"a": ways})[0].startswith("nodes/a/cases/0/when: the expression")


@pytest.mark.parametrize("document", [None, [], "x", {"start": "a"}, {"nodes": {"a": code()}}, {1: 2}])
def test_document_that_is_no_workflow_is_refused(document):
    with pytest.raises(InvalidInput):
        check_workflow(document, NAMES)


def test_workflow_has_bounds():
    many = {f"n{at}": code(next=f"n{at + 1}") for at in range(500)} | {"n500": code()}
    assert "501 nodes" in problems(many, "n0")[0]
    assert "bytes" in problems({"a": code(arguments={"value": "x" * 260_000})})[0]


def test_result_and_input_are_checked():
    assert problems({"a": code()}, result={"$": "nodes.b.output"})[0].startswith("result: ")
    assert problems({"a": code()}, input={"type": "string"})[0].startswith("input: ")


def fork(**flows):
    branches = {name: {"start": next(iter(nodes)), "nodes": nodes} for name, nodes in flows.items()}
    return {"kind": "parallel", "branches": branches}


def mapped(*names, over="input.items", **nodes):
    return {"kind": "map", "over": {"$": over}, "do": {"start": next(iter(nodes)), "nodes": nodes}}


def reading(expression):
    return code(arguments={"value": {"$": expression}})


def test_flows_within_nodes_are_taken():
    nodes = {"a": {**fork(x={"b": reading("nodes.z.output")}), "next": None}, "z": code(next="a")}
    assert check_workflow({"start": "z", "nodes": nodes}, NAMES).node("b").kind == "code"
    assert check_workflow({"start": "a", "nodes": {"a": mapped(b=reading("item + index"))}}, NAMES)


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({"a": fork(x={"b": code(next="c")})}, "nodes/a/branches/x/nodes/b/next: there is no node 'c'"),
        ({"a": fork(x={"b": code(function="rm")})}, "nodes/a/branches/x/nodes/b/function: there is no function"),
        ({"a": fork(x={"a": code()})}, "two nodes are called 'a'"),
        ({"a": fork(x={"b": code()}, y={"c": reading("nodes.b")})}, "nodes/a/branches/y/nodes/c/arguments/value: the"),
        ({"a": {**fork(x={"b": code()}), "next": "c"}, "c": reading("nodes.b")}, "nodes/c/arguments/value: the expr"),
        ({"a": fork(x={"b": reading("item")})}, "nodes/a/branches/x/nodes/b/arguments/value: the expression “item”"),
        ({"a": mapped(b=code(), over="item")}, "nodes/a/over: the expression “item” cannot be read"),
        ({"a": {**fork(x={"b": code()}), "join": "most"}}, "nodes/a/join"),
        ({"a": {**fork(x={"b": code()}), "branches": {}}}, "nodes/a/branches: "),
        ({"a": {"kind": "action", "tool": "rm"}}, "nodes/a/tool: the version has no tool 'rm'"),
        ({"a": {"kind": "retrieve", "query": "x"}}, "nodes/a/collections: the version has no collections"),
        ({"a": {"kind": "retrieve", "query": "x", "collections": ["z"]}}, "nodes/a/collections: the version has no co"),
        ({"a": {"kind": "wait"}}, "nodes/a: say either for_seconds or until"),
        ({"a": {"kind": "event", "name": "UP"}}, "nodes/a/name: "),
        ({"a": {"kind": "event", "name": "x", "on_timeout": "a"}}, "nodes/a: on_timeout needs timeout_seconds"),
        ({"a": {"kind": "event", "name": "x", "schema": {"type": "wat"}}}, "nodes/a/schema: "),
    ],
)
def test_nodes_of_every_kind_are_checked(nodes, sentence):
    assert any(problem.startswith(sentence) for problem in problems(nodes)), problems(nodes)


def test_flows_are_nested_eight_deep_at_most():
    inner = {"n0": code()}
    for depth in range(1, 9):
        inner = {f"n{depth}": fork(x=inner)}
    assert problems(inner, "n8") == ["its flows are nested deeper than 8 levels."]
