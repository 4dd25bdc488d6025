"""The effective configuration is never wider than the agent's version, whatever an overlay says."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.effective import calls_of, effective, effective_for, instructions_of, tools_of
from agents.models import Overlay
from approvals.gate import narrowed
from approvals.models import PolicyVersion
from approvals.policies.context import GateContext
from approvals.policies.evaluate import RANK, evaluate
from approvals.policies.rules import Rule
from tests.house import ALLOW, house, world
from tests.unit.approvals.policies.contexts import contexts, rules
from tools.models import Budget, Tool

__all__ = ["house", "world"]
LIMITS = st.none() | st.integers(0, 60)
MONEY = st.none() | st.decimals(0, 100, places=2)
SAID: dict[str, Any] = {
    "prompt": st.text(max_size=20),
    "removed_tools": st.lists(st.sampled_from(["look", "change", "send", "gone", ""])),
    "removed_collections": st.lists(st.text(max_size=5)),
    "step_limit": LIMITS,
    "budget_usd": MONEY,
    "calls_per_turn": LIMITS,
}


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.builds(Overlay, **SAID), st.integers(1, 60), MONEY, st.integers(1, 60))
def test_what_holds_is_never_wider_than_the_version(house, overlay, steps, money, calls):
    version = house.run.version
    version.step_limit, version.budget_usd, version.calls_per_turn = steps, money, calls
    held = effective(version, overlay)
    assert held.step_limit <= steps
    assert held.calls_per_turn == calls_of(version, overlay) <= calls
    assert money is None or held.budget_usd <= money
    names = {tool.name for tool in held.tools}
    assert names <= {"look", "change", "send"} - set(overlay.removed_tools)
    assert {tool.name for tool in tools_of(version, overlay)} == names
    assert instructions_of(version, overlay).startswith(version.goal)
    for part in held.parts:
        if part.refused:
            assert part.origin == f"version {version.number}"
            assert part.refused.startswith("An overlay only narrows:")


@pytest.mark.django_db
def test_each_part_says_where_it_is_from(house):
    overlay = Overlay(
        subject_kind="customer", subject_ref="7", number=2, prompt="Be brief.", removed_tools=["send"], step_limit=5,
        calls_per_turn=99, budget_usd=Decimal("1.50"), rules=[{"name": "no", "outcome": "deny", "when": "true"}],
    )  # fmt: skip
    parts = {(one.part, one.value): one for one in effective(house.run.version, overlay).parts}
    mine, own = "overlay 2 for customer 7", "version 1"
    assert parts["goal", "Be good."].origin == own
    assert parts["prompt", "Be brief."].origin == mine
    assert (parts["tool", "send"].origin, parts["tool", "send"].removed) == (mine, True)
    assert (parts["tool", "look"].origin, parts["tool", "look"].removed) == (own, False)
    assert parts["step_limit", "5"].origin == mine
    assert parts["budget_usd", "1.5"].origin == mine
    assert parts["calls_per_turn", "16"].origin == own
    assert "99 calls a turn are more than the 16 of the agent's version" in parts["calls_per_turn", "16"].refused
    assert parts["rule", "no: deny when true"].origin == mine
    assert {one.origin for one in effective(house.run.version, None).parts} == {own, "policy default, version 1"}


@pytest.mark.django_db
def test_route_and_the_policy_in_force_are_parts_and_no_rule_is_told(house):
    house.policy({**ALLOW, "when": "action.tool == 'look'", "reason": "A reason for owners and auditors."})
    parts = {one.part: one for one in effective(house.run.version, None).parts}
    assert parts["route"].value == house.run.version.route.name
    active = PolicyVersion.objects.get(status="active")
    assert parts["policy"].origin == f"policy {active.policy.name}, version {active.number}"
    assert parts["policy"].value == f"{active.policy.title} (1 rule)"
    assert "A reason for" not in str(parts)


@pytest.mark.django_db
def test_a_disabled_tool_does_not_hold_and_says_why(house):
    Tool.objects.filter(name="send").update(is_enabled=False)
    (sent,) = [one for one in effective(house.run.version, None).parts if one.value == "send"]
    assert (sent.removed, sent.origin) == (True, "the tool itself, which is disabled")
    assert "send" not in {tool.name for tool in tools_of(house.run.version, None)}


@pytest.mark.django_db
def test_what_people_extended_holds_for_the_run_and_says_so(house):
    run = house.run
    before = {one.part: one for one in effective_for(run).parts}
    assert (before["step_limit"].value, before["step_limit"].origin) == ("30", "version 1")
    run.step_limit, run.version.budget_usd = 45, Decimal(2)
    own = {"scope_kind": "run", "scope_id": run.id, "name": "this run", "unit": "usd", "limit": Decimal("2.50")}
    Budget.objects.create(workspace_id=run.workspace_id, **own)
    held = effective_for(run)
    after = {one.part: one for one in held.parts}
    assert (held.step_limit, held.budget_usd) == (45, Decimal("2.5"))
    for part, value in (("step_limit", "45"), ("budget_usd", "2.5")):
        assert (after[part].value, after[part].origin) == (value, "people, who extended this run")
    assert after["calls_per_turn"].origin == "version 1"


@given(st.lists(rules(), max_size=5), st.lists(rules(), max_size=3), contexts())
def test_invariant_11_a_customers_rules_can_only_narrow(policy: list[Rule], more: list[Rule], context: GateContext):
    base, both = evaluate(policy, context), narrowed(policy, more, context)
    assert RANK[both.outcome] >= RANK[base.outcome]
    if base.review and both.review:
        asked = {one.queue: one.quorum for one in both.review.queues}
        assert all(asked.get(one.queue, 0) >= one.quorum for one in base.review.queues)
