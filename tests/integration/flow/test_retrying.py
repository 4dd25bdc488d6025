"""Going on with a failed workflow: at nodes that did nothing outside, and never at what happened or may have."""

import pytest

from agents.errors import NothingToRetry
from agents.operations import retry_step
from agents.workflows.functions import Function, register
from agents.workflows.values import Failed
from approvals.models import Request
from tests.flows import nodes_of, step_of
from tools.connectors.base import Refused
from tools.models import Action

pytestmark = pytest.mark.django_db
ACT = {"act": {"kind": "action", "tool": "change", "arguments": {"name": "ada", "value": {"$": "input.v"}}}}
BROKEN = []


def fragile():
    if BROKEN:
        raise Failed("It is broken.")
    return "mended"


register(Function("test.fragile", "", fragile, {"type": "object"}))


def failed(flows, house, error):
    """Run the action node; somebody approves, and the outside answers with ``error``."""
    run = flows.run(ACT, {"v": "1"})
    house.world.fails = error
    house.answer(Request.objects.open().get(run_id=run.id))
    run = flows.rest(run)
    house.world.fails = None
    return run


def test_node_that_computes_is_carried_out_again(flows, house):
    BROKEN.append(True)
    call = {"kind": "code", "function": "test.fragile", "arguments": {}}
    run = flows.run({"a": {**call, "next": "b"}, "b": {"kind": "code", "function": "same", "arguments": {"value": 1}}})
    assert (run.status, nodes_of(run)) == ("failed", [("a", "failed")])
    BROKEN.clear()
    run = flows.rest(retry_step(run_id=run.id, step_id=step_of(run, "a").id, by=house.cast.reviewer))
    assert (run.status, run.outcome["result"], run.open_steps) == ("succeeded", 1, 0), run.explanation
    assert (step_of(run, "a").output["value"], step_of(run, "a").attempt) == ("mended", 2)


def test_invariant_04_action_that_is_proven_not_done_is_proposed_anew(flows, house):
    run = failed(flows, house, Refused("No."))
    step = step_of(run, "act")
    assert (run.status, step.status, step.action.status) == ("failed", "failed", "failed")
    run = flows.rest(retry_step(run_id=run.id, step_id=step.id, by=house.cast.owner))
    first, second = Action.objects.filter(run_id=run.id).order_by("created_at")
    assert (first.status, second.status, second.revises) == ("failed", "in_review", None)
    house.answer(Request.objects.open().get(run_id=run.id))
    run = flows.rest(run)
    assert (run.status, house.world.done) == ("succeeded", [second.idempotency_key])


def test_invariant_05_what_may_have_happened_is_not_done_a_second_time(flows, house):
    run = failed(flows, house, TimeoutError("gone"))
    request = Request.objects.open().get(run_id=run.id, kind="settle")
    with pytest.raises(NothingToRetry, match="may have happened"):
        retry_step(run_id=run.id, step_id=step_of(run, "act").id, by=house.cast.owner)
    house.answer(request, settlement="give_up", reason="Nobody knows.")
    run = flows.rest(run)
    assert run.status == "failed"
    with pytest.raises(NothingToRetry, match="not done a second time"):
        retry_step(run_id=run.id, step_id=step_of(run, "act").id, by=house.cast.owner)
