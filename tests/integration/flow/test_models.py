"""Model nodes: the loop of calls and actions in a place of its own, with its own goal, tools and form of answer."""

import json

import pytest

from agents.memories import context_seen
from approvals.models import Request
from tests.flows import nodes_of, step_of
from tools.models import Action

pytestmark = pytest.mark.django_db
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
MAIL = {"name": "ada", "value": "new"}


def ask(**more):
    return {"kind": "model", **more}


def same(expression, **more):
    return {"kind": "code", "function": "same", "arguments": {"value": {"$": expression}}, **more}


def test_last_words_are_the_output(flows, talker):
    talker.says("All is well.")
    run = flows.run({"work": ask(goal="Look after it.", next="end"), "end": same("nodes.work.output.text")})
    assert (run.status, run.outcome["text"]) == ("succeeded", "All is well."), run.explanation
    assert "Look after it." in json.dumps(talker.heard[0])
    assert step_of(run, "work").output["trusted"] is False


def test_calls_become_actions_of_the_node_and_people_decide_as_ever(flows, house, talker, world):
    talker.calls(("look", {"name": "ada", "value": "x"}))
    talker.calls(("send", MAIL))
    talker.says("Sent.")
    run = flows.run({"work": ask(next="end"), "end": same("nodes.work.output.text")})
    assert run.status == "waiting", run.explanation
    assert nodes_of(run)[:4] == [
        ("work", "succeeded"),
        ("work", "succeeded"),
        ("work", "succeeded"),
        ("work", "waiting"),
    ]
    house.answer(Request.objects.open().get(run_id=run.id))
    run = flows.rest(run)
    assert (run.status, run.outcome["text"]) == ("succeeded", "Sent."), run.explanation
    assert len(world.done) == 2
    assert run.open_steps == 0


def test_node_has_only_its_tools(flows, talker):
    talker.calls(("send", MAIL))
    talker.says("I may not.")
    run = flows.run({"work": ask(tools=["look"])})
    assert (run.status, Action.objects.filter(run_id=run.id).count()) == ("succeeded", 0)
    assert [tool["name"] for tool in talker.heard[0]["tools"]] == ["look"]


def test_answer_has_the_form_that_the_schema_asks_for(flows, talker):
    talker.says('```json\n{"n": 5}\n```')
    run = flows.run({"work": ask(output=SCHEMA, next="end"), "end": same("nodes.work.output.n + 1")})
    assert (run.status, run.outcome["result"]) == ("succeeded", 6), run.explanation
    assert "JSON Schema" in json.dumps(talker.heard[0])


def test_answer_that_does_not_fit_is_sent_back_with_what_is_wrong(flows, talker):
    talker.says("Five.")
    talker.says('{"n": "five"}')
    talker.says('{"n": 5}')
    run = flows.run({"work": ask(output=SCHEMA)})
    assert (run.status, run.outcome["result"]) == ("succeeded", {"n": 5}), run.explanation
    assert "The answer is no JSON" in talker.last_heard
    assert "This has to be a whole number" in talker.last_heard


def test_answer_that_never_fits_fails_the_node(flows, talker):
    talker.says("Five.")
    run = flows.run({"work": ask(output=SCHEMA, on_failure="end"), "end": same("nodes.work.error")})
    assert (run.status, run.outcome["text"][:22]) == ("succeeded", "The answer is no JSON.")
    assert len(talker.heard) == 3


def test_model_is_told_what_its_node_is_about_as_content(flows, talker):
    talker.says("Seen.")
    nodes = {
        "first": {"kind": "code", "function": "same", "arguments": {"value": 41}, "next": "work"},
        "work": ask(about={"n": {"$": "nodes.first.output"}, "who": {"$": "input.who"}}),
    }
    run = flows.run(nodes, {"who": "zoe"})
    assert run.status == "succeeded", run.explanation
    heard = talker.heard[0]
    assert "41" in json.dumps(heard["input"])
    assert "zoe" not in heard["instructions"]
    parts = {part["kind"]: part for part in context_seen(step_of(run, "work"))["parts"]}
    assert (parts["about"]["trust"], "zoe" in parts["about"]["text"]) == ("untrusted", True)


def test_goal_is_no_template():
    from agents.workflows.checks import Names, check_workflow
    from workspaces.errors import InvalidInput

    with pytest.raises(InvalidInput, match="nodes/work/goal"):
        check_workflow({"start": "work", "nodes": {"work": ask(goal={"$": "input.text"})}}, Names())


def test_about_that_cannot_be_made_fails_the_node(flows, talker):
    run = flows.run({"work": ask(about={"$": "input.gone"}, on_failure="end"), "end": same("nodes.work.error")})
    assert (run.status, talker.heard) == ("succeeded", [])


def test_refusal_fails_the_node(flows, talker):
    talker.refuses()
    run = flows.run({"work": ask(on_failure="end"), "end": same("nodes.work.error")})
    assert (run.status, "refused" in run.outcome["text"]) == ("succeeded", True)


def test_two_visits_do_not_hear_one_another(flows, talker):
    talker.says("one")
    talker.says("two")
    nodes = {
        "work": ask(next="again", at_most=2),
        "again": {"kind": "branch", "cases": [{"when": "nodes.work.output.text == 'one'", "next": "work"}]},
    }
    run = flows.run(nodes, result={"$": "nodes.work.output.text"})
    assert (run.status, run.outcome["text"]) == ("succeeded", "two"), run.explanation
    assert "one" not in json.dumps(talker.heard[1]["input"])


def test_models_work_in_branches_side_by_side(flows, talker):
    talker.says("done")
    branches = {name: {"start": name, "nodes": {name: ask()}} for name in ("left", "right")}
    run = flows.run({"fan": {"kind": "parallel", "branches": branches}})
    assert run.status == "succeeded", run.explanation
    assert {end["output"]["text"] for end in run.outcome["result"].values()} == {"done"}


def test_step_limit_is_asked_about_in_a_model_node(flows, house, talker):
    talker.calls(("look", {"name": "ada", "value": "x"}))
    talker.says("Done.")
    run = flows.run({"work": ask()}, limits={"step_limit": 2})
    assert run.status == "waiting"
    house.answer(Request.objects.open().get(run_id=run.id, kind="budget"), steps=9)
    assert flows.rest(run).status == "succeeded"
