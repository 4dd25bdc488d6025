"""Action and retrieve nodes: through the gate and the doors, with provenance that is known and not guessed."""

import pytest

from approvals.models import Request
from tests.flows import nodes_of, step_of
from tests.house import ALLOW, REVIEW
from tools.models import Action

pytestmark = pytest.mark.django_db
MORE = {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.act.status"}}}


def act(tool="send", name="ada", value="new", **more):
    return {"kind": "action", "tool": tool, "arguments": {"name": name, "value": value}, **more}


def test_read_is_done_and_its_result_is_the_output(flows, world):
    run = flows.run({"act": act("look", {"$": "input.name"}, next="more"), "more": MORE}, {"name": "ada"})
    assert (run.status, run.outcome["result"]) == ("succeeded", "succeeded"), run.explanation
    assert len(world.done) == 1
    action = Action.objects.get(run_id=run.id)
    sources = {leaf["path"]: (leaf["sources"], leaf["trusted"]) for leaf in action.provenance}
    assert sources == {"/name": (["ticket"], False), "/value": (["workflow"], True)}
    assert action.untrusted_influence


def test_change_by_the_version_alone_needs_nobody(flows, world):
    run = flows.run({"act": act("change")})
    action = Action.objects.get(run_id=run.id)
    assert (run.status, action.status, action.untrusted_influence) == ("succeeded", "succeeded", False)
    assert world.record["value"] == "new"


def test_untrusted_branch_before_it_influences_an_action(flows, house):
    ways = {"kind": "branch", "cases": [{"when": "input.text != ''", "next": "act"}]}
    run = flows.run({"way": ways, "act": act("change")})
    action = Action.objects.get(run_id=run.id)
    assert (run.status, action.status, action.untrusted_influence) == ("waiting", "in_review", True)


def test_person_approves_and_the_run_goes_on(flows, house, world):
    run = flows.run({"act": act("send", next="more"), "more": MORE})
    assert (run.status, world.done) == ("waiting", [])
    house.answer(Request.objects.open().get(run_id=run.id))
    run = flows.rest(run)
    assert (run.status, nodes_of(run)) == ("succeeded", [("act", "succeeded"), ("more", "succeeded")])
    assert len(world.done) == 1


@pytest.mark.parametrize("way", ["more", None])
def test_rejection_goes_the_way_of_failure(flows, house, way):
    nodes = {"act": act("send", **({"on_failure": way} if way else {})), **({"more": MORE} if way else {})}
    run = flows.run(nodes)
    house.answer(Request.objects.open().get(run_id=run.id), "reject", reason="Not now.")
    run = flows.rest(run)
    if way:
        assert (run.status, run.outcome["result"]) == ("succeeded", "rejected")
    else:
        assert (run.status, run.explanation) == ("failed", "act: Send was not carried out (rejected). Not now.")


def test_denied_action_fails_the_node(flows, house, world):
    house.policy({**ALLOW, "outcome": "deny", "reason": "Never."})
    run = flows.run({"act": act("look")})
    assert run.status == "failed"
    assert "Never." in run.explanation
    assert world.done == []


def test_result_that_does_not_fit_fails_the_node_after_the_action(flows, house, world):
    house.policy(ALLOW)
    misfit = act("send", output={"type": "object", "required": ["id"]})
    run = flows.run({"act": misfit})
    assert (run.status, len(world.done)) == ("failed", 1)
    assert run.explanation.startswith("act: Send was carried out. Its output does not fit")
    run = flows.run({"act": {**misfit, "on_failure": "more"}, "more": MORE})
    assert (run.status, run.outcome["result"]) == ("succeeded", "failed")


def test_tool_that_was_disabled_fails_the_node(flows, house):
    flows.publish({"act": act("send")})
    tool = house.tools["send"]
    type(tool).objects.filter(pk=tool.pk).update(is_enabled=False)
    run = flows.rest(flows.start())
    assert run.status == "failed"
    assert "The tool send may not be used now" in run.explanation


def test_arguments_that_do_not_fit_the_tool_are_denied_as_a_models_are(flows, world):
    run = flows.run({"act": act("send", value={"$": "input.n"})}, {"n": 5})
    assert (run.status, world.done) == ("failed", [])
    assert step_of(run, "act").action.status in {"denied", "cancelled"}


def test_edited_action_gives_the_revisions_result(flows, house, world):
    house.policy(REVIEW)
    run = flows.run({"act": act("change")})
    request = Request.objects.open().get(run_id=run.id)
    house.answer(request, "edit", arguments={"name": "ada", "value": "mine"})
    run = flows.rest(run)
    for request in Request.objects.open().filter(run_id=run.id):
        house.answer(request, by=house.cast.finance)
    run = flows.rest(run)
    assert (run.status, world.record["value"]) == ("succeeded", "mine"), run.explanation
