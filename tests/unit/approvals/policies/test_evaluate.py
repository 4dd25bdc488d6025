"""The most restrictive rule wins, errors deny, and one more rule can only narrow."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from approvals.policies.context import GateContext
from approvals.policies.evaluate import NOTHING_ALLOWS_IT, RANK, UNREADABLE, QueueTerms, ReviewTerms, evaluate
from approvals.policies.rules import Rule, parse_rules
from approvals.states import ExpiryDoes, Outcome
from tests.unit.approvals.policies.contexts import contexts, rules

ALLOW = {"name": "allow", "reason": "Fine.", "when": "true", "outcome": "allow"}
REVIEW = {"name": "review", "reason": "Look.", "when": "true", "outcome": "review", "queue": "default"}
DENY = {"name": "deny", "reason": "No.", "when": "true", "outcome": "deny"}


def parsed(*data: dict[str, Any]) -> tuple[Rule, ...]:
    return parse_rules(data)


def test_where_no_rule_matches_the_action_is_denied(make):
    found = evaluate(parsed(ALLOW | {"when": "false"}), make())
    assert (found.outcome, found.matched, found.reasons) == (Outcome.DENY, (), (NOTHING_ALLOWS_IT,))


def test_the_most_restrictive_rule_wins_and_gives_the_reasons(make):
    found = evaluate(parsed(ALLOW, DENY, REVIEW, DENY | {"name": "again", "reason": "Never."}), make())
    assert (found.outcome, found.reasons, found.review) == (Outcome.DENY, ("No.", "Never."), None)
    assert [match.rule for match in found.matched] == ["allow", "deny", "review", "again"]
    assert evaluate(parsed(ALLOW, REVIEW), make()).outcome == Outcome.REVIEW
    assert evaluate(parsed(ALLOW), make()).review is None


def test_a_rule_that_fails_denies_and_is_named(make):
    found = evaluate(parsed(ALLOW, REVIEW | {"name": "broken", "when": "action.arguments.absent == 1"}), make())
    assert found.outcome == Outcome.DENY
    assert "“broken”" in found.reasons[0]
    assert "absent" in found.matched[1].error


def test_an_allow_rule_that_fails_denies_too(make):
    assert evaluate(parsed(REVIEW, ALLOW | {"when": "1 / 0 == 1"}), make()).outcome == Outcome.DENY


def test_facts_that_cannot_be_read_deny(make):
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    found = evaluate(parsed(ALLOW), make(arguments={"deep": deep}))
    assert (found.outcome, found.reasons) == (Outcome.DENY, (UNREADABLE,))


def test_several_review_rules_ask_for_the_strictest_terms(make):
    found = evaluate(
        parsed(
            REVIEW | {"time_limit_seconds": 600, "quorum": 3},
            REVIEW | {"name": "money", "queue": "finance", "time_limit_seconds": 900, "on_expiry": "reject"},
            REVIEW | {"name": "more", "quorum": 2},
        ),
        make(),
    )
    assert found.review == ReviewTerms((QueueTerms("default", 3), QueueTerms("finance", 1)), 600, ExpiryDoes.REJECT)


def test_only_rules_that_say_so_can_be_waived(make):
    both = parsed(REVIEW | {"waivable": True}, REVIEW | {"name": "always"})
    assert evaluate(both[:1], make()).outcome == Outcome.REVIEW
    assert evaluate(both[:1], make(), frozenset({"review"})).outcome == Outcome.ALLOW
    found = evaluate(both, make(), frozenset({"review", "always"}))
    assert (found.outcome, [match.waived for match in found.matched]) == (Outcome.REVIEW, [True, False])


def test_a_waived_rule_that_fails_still_denies(make):
    broken = parsed(REVIEW | {"waivable": True, "when": "action.arguments.absent == 1"})
    assert evaluate(broken, make(), frozenset({"review"})).outcome == Outcome.DENY


@given(st.lists(rules(), max_size=5), rules(), contexts(), st.integers(0, 5))
def test_invariant_11_one_more_rule_can_only_narrow(policy: list[Rule], more: Rule, context: GateContext, at: int):
    before = evaluate(policy, context)
    after = evaluate([*policy[:at], more, *policy[at:]], context)
    if before.matched or more.outcome == Outcome.DENY:
        assert RANK[after.outcome] >= RANK[before.outcome]
    if before.review and after.review:
        assert after.review.time_limit_seconds <= before.review.time_limit_seconds
        asked = {terms.queue: terms.quorum for terms in after.review.queues}
        assert all(asked.get(terms.queue, 0) >= terms.quorum for terms in before.review.queues)


@given(st.lists(rules(waivable=False), max_size=5), contexts())
def test_invariant_11_autonomy_discharges_nothing_that_is_not_waivable(policy: list[Rule], context: GateContext):
    everything = frozenset(rule.name for rule in policy)
    assert evaluate(policy, context, everything) == evaluate(policy, context)


@given(st.lists(rules(), max_size=5), contexts())
def test_a_stored_context_gives_the_same_evaluation_again(policy: list[Rule], context: GateContext):
    assert evaluate(policy, GateContext.from_json(context.as_json())) == evaluate(policy, context)
