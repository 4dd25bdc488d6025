"""The policy of a new workspace, as DESIGN section 7 promises it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from approvals.policies.context import GateContext
from approvals.policies.default import DEFAULT_RULES
from approvals.policies.evaluate import RANK, evaluate
from approvals.policies.rules import parse_rules
from approvals.states import Outcome
from tests.unit.approvals.policies.contexts import contexts

RULES = parse_rules(DEFAULT_RULES)
TAINTED = {"untrusted_influence": True}
UNDO = {"compensates": True, "planned": True, "untrusted_influence": True}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"effect": "read"}, "allow"),
        ({"effect": "read", "all_trusted": False} | TAINTED, "allow"),
        ({"effect": "read", "egress": True}, "allow"),
        ({"effect": "read", "egress": True} | TAINTED, "review"),
        ({"effect": "read", "egress": True, "planned": True} | TAINTED, "review"),
        ({}, "allow"),
        (TAINTED, "review"),
        ({"planned": True} | TAINTED, "allow"),
        ({"planned": True, "egress": True} | TAINTED, "review"),
        ({"all_trusted": False}, "review"),
        ({"any_coincidence": True}, "review"),
        ({"has_undo": False}, "review"),
        ({"effect": "compensatable"}, "review"),
        ({"effect": "irreversible"}, "review"),
        (UNDO, "allow"),
        (UNDO | {"has_undo": False}, "allow"),
        (UNDO | {"effect": "compensatable"}, "allow"),
        (UNDO | {"effect": "irreversible"}, "review"),
        (UNDO | {"all_trusted": False}, "review"),
        (UNDO | {"planned": False}, "review"),
        (UNDO | {"egress": True}, "review"),
        ({"effect": ""}, "deny"),
        ({"effect": "harmless"}, "deny"),
        ({"tool": ""}, "deny"),
        ({"operation": ""}, "deny"),
        ({"idempotency": ""}, "deny"),
        ({"run_same_call": 2}, "allow"),
        ({"run_same_call": 3}, "deny"),
        ({"effect": "read", "run_same_call": 3}, "deny"),
    ],
)
def test_the_default_policy_judges(make, facts: dict[str, Any], outcome: str):
    assert evaluate(RULES, make(**facts)).outcome == outcome


@given(contexts())
def test_some_rule_always_speaks_and_none_fails(context: GateContext):
    matched = evaluate(RULES, context).matched
    assert matched
    assert not any(match.error for match in matched)


@given(contexts())
def test_invariant_11_a_taint_can_only_narrow(context: GateContext):
    clean = evaluate(RULES, context).outcome
    taints: list[dict[str, Any]] = [{"all_trusted": False}, {"any_coincidence": True}, {"untrusted_influence": True}]
    for taint in taints:
        tainted = replace(context, provenance=replace(context.provenance, **taint))
        assert RANK[evaluate(RULES, tainted).outcome] >= RANK[clean]


@given(contexts())
def test_invariant_11_autonomy_never_waives_taint_or_irreversibility(context: GateContext):
    found = evaluate(RULES, context, frozenset(rule.name for rule in RULES))
    if found.outcome == Outcome.ALLOW and context.action.effect != "read":
        assert context.action.effect != "irreversible"
        assert context.provenance.all_trusted


def test_every_reason_is_a_sentence():
    assert all(rule.reason[0].isupper() and rule.reason.endswith(".") for rule in RULES)
