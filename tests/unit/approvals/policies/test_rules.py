"""Rules are checked when they are written: names, sentences, conditions and terms."""

from typing import Any

import pytest

from approvals.policies.rules import DAY, MAX_RULES, parse_rules
from approvals.states import ExpiryDoes, Outcome
from workspaces.errors import InvalidInput

READ = {"name": "read", "reason": "It only reads.", "when": "action.effect == 'read'", "outcome": "allow"}
LARGE = {"name": "large", "reason": "It is much.", "when": "true", "outcome": "review", "queue": "finance"}


def refused(*data: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as error:
        parse_rules(data)
    return error.value.fields


def test_rules_are_parsed_in_their_order_with_defaults_for_the_review():
    read, large = parse_rules([READ, LARGE])
    assert (read.name, read.outcome, read.queue, read.waivable) == ("read", Outcome.ALLOW, None, False)
    assert (large.queue, large.quorum, large.time_limit_seconds) == ("finance", 1, DAY)
    assert large.on_expiry == ExpiryDoes.EXPIRE


def test_a_rule_survives_being_stored():
    parsed = parse_rules([READ, LARGE | {"quorum": 2, "on_expiry": "reject", "waivable": True}])
    assert parse_rules([rule.as_json() for rule in parsed]) == parsed


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (READ | {"name": "Not a slug"}, "name: "),
        (READ | {"reason": "  "}, "reason: "),
        (READ | {"when": "customer.vip"}, "when: The condition cannot be read: 1:9: undeclared reference"),
        (READ | {"when": "run.steps"}, "when: The condition gives INT, not true or false"),
        (READ | {"when": 3}, "when: "),
        (READ | {"outcome": "maybe"}, "outcome: "),
        (READ | {"colour": "red"}, "colour: "),
        (READ | {"waivable": True}, "Only a review can be waived."),
        (READ | {"waivable": "yes"}, "waivable: "),
        (READ | {"queue": "finance"}, "Only a review rule has a queue"),
        (READ | {"quorum": 2}, "Only a review rule has a queue"),
        (LARGE | {"queue": None}, "A review rule needs the queue"),
        (LARGE | {"quorum": 0}, "quorum: "),
        (LARGE | {"quorum": "2"}, "quorum: "),
        (LARGE | {"time_limit_seconds": 1}, "time_limit_seconds: "),
        (LARGE | {"on_expiry": "approve"}, "on_expiry: "),
        ("not a rule", "Input should be a valid dictionary"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_a_sentence(rule: Any, sentence: str):
    [problem] = refused(READ | {"name": "first"}, rule)["rules/1"]
    assert problem.startswith(sentence)
    assert problem.endswith(".")


def test_every_missing_field_is_named():
    assert [problem.split(":")[0] for problem in refused({})["rules/0"]] == ["name", "reason", "when", "outcome"]


def test_names_are_unique():
    assert list(refused(READ, LARGE, READ)) == ["rules/0", "rules/2"]


def test_a_name_that_is_no_text_is_refused_once():
    assert len(refused(READ | {"name": ["read"]}, READ)["rules/0"]) == 1


def test_rules_are_a_list_of_bounded_length():
    with pytest.raises(InvalidInput, match="list"):
        parse_rules({"read": READ})
    with pytest.raises(InvalidInput, match=f"{MAX_RULES}"):
        parse_rules([READ | {"name": f"r{number}"} for number in range(MAX_RULES + 1)])
