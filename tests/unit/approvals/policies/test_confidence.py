"""What an agent says of itself never widens anything; what code measures may count either way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.policies.confidence import amount_of, match_of, measured
from approvals.policies.context import UNKNOWN, ConfidenceFacts
from approvals.policies.evaluate import RANK, evaluate
from approvals.policies.rules import parse_rules
from approvals.states import Outcome
from tests.unit.approvals.policies.contexts import contexts, rules

CHARGE = {"remaining": 5000, "currency": "eur"}
CONDITIONS = [
    "confidence.stated >= 100", "confidence.stated < 90", "confidence.stated != -1", "confidence.stated == -1",
    "confidence.stated / (100 - confidence.stated) > 1", "confidence.stated > confidence.computed",
    "confidence.computed >= 80 && confidence.stated >= 80", "confidence.computed < 50",
]  # fmt: skip
FIGURES = st.integers(-1, 100)


def rule(name, when, outcome, **more):
    queue = {"queue": "default"} if outcome == "review" else {}
    return {"name": name, "when": when, "outcome": outcome, "reason": "Because.", **queue, **more}


@st.composite
def policies(draw):
    drawn = draw(st.lists(rules(), max_size=2))
    own = [
        rule(f"own-{number}", draw(st.sampled_from(CONDITIONS)), draw(st.sampled_from(list(Outcome))))
        for number in range(draw(st.integers(1, 4)))
    ]
    return [*drawn, *parse_rules(own)]


@given(policies(), contexts(), FIGURES, FIGURES)
def test_invariant_11_what_an_agent_states_of_itself_only_narrows(policy, context, stated, computed):
    silent = replace(context, confidence=ConfidenceFacts(computed=computed))
    before = evaluate(policy, silent)
    after = evaluate(policy, replace(silent, confidence=ConfidenceFacts(stated=stated, computed=computed)))
    assert RANK[after.outcome] >= RANK[before.outcome]
    if before.review and after.review:
        asked = {terms.queue: terms.quorum for terms in after.review.queues}
        assert all(asked.get(terms.queue, 0) >= terms.quorum for terms in before.review.queues)


@pytest.mark.parametrize(
    "policy",
    [
        [rule("sure", "confidence.stated == 100", "allow"), rule("else", "confidence.stated < 100", "review")],
        [rule("all", "true", "allow"), rule("unsure", "confidence.stated < 90", "review")],
        [rule("all", "true", "allow"), rule("unsure", "!(confidence.stated >= 90)", "review")],
        [rule("sure", "confidence.stated == 100", "review", waivable=True), rule("all", "true", "review")],
    ],
)
def test_invariant_11_a_stated_confidence_of_one_never_turns_review_into_allow(policy, make):
    sure = make(confidence=ConfidenceFacts(stated=100, computed=100))
    assert evaluate(parse_rules(policy), sure.unstated()).outcome == Outcome.REVIEW
    assert evaluate(parse_rules(policy), sure).outcome == Outcome.REVIEW
    assert evaluate(parse_rules(policy), sure, frozenset({"sure"})).outcome == Outcome.REVIEW


def test_a_low_statement_may_ask_for_people_and_a_measured_figure_may_let_pass(make):
    policy = parse_rules([
        rule("measured", "confidence.computed >= 90", "allow"),
        rule("unsure", "confidence.stated >= 0 && confidence.stated < 50", "review"),
    ])  # fmt: skip
    outcomes = {
        (stated, computed): evaluate(policy, make(confidence=ConfidenceFacts(stated, computed))).outcome
        for stated in (UNKNOWN, 20, 100)
        for computed in (80, 95)
    }
    assert outcomes == {
        (UNKNOWN, 80): Outcome.DENY, (20, 80): Outcome.DENY, (100, 80): Outcome.DENY,
        (UNKNOWN, 95): Outcome.ALLOW, (20, 95): Outcome.REVIEW, (100, 95): Outcome.ALLOW,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "before", "figure"),
    [
        ({"amount": 5000, "currency": "eur"}, CHARGE, 100),
        ({}, CHARGE, 100),
        ({"amount": 4999, "currency": "eur"}, CHARGE, 50),
        ({"amount": 5001, "currency": "eur"}, CHARGE, 0),
        ({"amount": 0}, CHARGE, 0),
        ({"amount": 5000, "currency": "usd"}, CHARGE, 0),
        ({"amount": True}, CHARGE, 0),
        ({}, {"remaining": 0}, 0),
        ({"amount": 5000}, None, UNKNOWN),
        ({"amount": 5000}, {"tier": "gold"}, UNKNOWN),
    ],
)
def test_an_amount_is_measured_against_the_charge(arguments, before, figure):
    assert amount_of(arguments, before) == figure


def test_the_lowest_measured_figure_counts():
    leaf = {"sources": ["ticket"], "coincidence": False}
    leaves = [leaf, leaf, {**leaf, "coincidence": True}, {**leaf, "sources": []}]
    assert (match_of(leaves), match_of([])) == (50, UNKNOWN)
    found = measured(leaves, {"amount": 5000}, CHARGE, retrieval=70, stated=99)
    assert found == ConfidenceFacts(stated=99, computed=50, match=50, amount=100, retrieval=70)
    assert measured([], {}, None).computed == UNKNOWN
