"""A condition is true, false or an error; nothing that is merely truthy counts."""

import threading
from typing import Any

import pytest

from approvals.policies.cel import MAX_LENGTH, VARIABLES, BadCondition, ConditionFailed, Facts, compile_condition


def holds(expression: str, context: Any) -> bool:
    return compile_condition(expression).holds(Facts(context.as_cel()))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("true", True),
        ("false", False),
        ("action.egress", False),
        ("action.tool == 'crm.customer' && history.tool_day < 5", True),
        ("has(action.arguments.tier) && action.arguments.tier == 'gold'", True),
        ("has(action.arguments.absent)", False),
        ("action.arguments.amount > 1000", True),
        ("run.labels.team in ['support']", True),
        ("provenance.leaves.all(leaf, leaf.trusted)", True),
        ("provenance.leaves.exists(leaf, leaf.path == '/tier' && 'instruction' in leaf.sources)", True),
        ("now.getDayOfWeek() == 1 && now > timestamp('2026-01-01T00:00:00Z')", True),
        ("subject.ref.matches('^C-[0-9]+$')", True),
        ("'limit_minor' in reviewer", False),
    ],
)
def test_a_condition_is_true_or_false(make, expression: str, expected: bool):
    assert holds(expression, make()) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "action.arguments.absent == 1",
        "!(action.arguments.absent == 1)",
        "!action.arguments.tier",
        "action.arguments.tier < 3",
        "1 / 0 == 1",
        "9223372036854775807 + run.steps > 0",
        "run.labels.absent == 'x'",
        "reviewer.limit_minor > 5",
        "action.tool.matches('(')",
        "action.arguments.tier ? true : false",
        "[0,1,2,3,4,5,6,7,8,9].all(a, " * 5 + "true" + ")" * 5,
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_an_error_and_never_true_nor_false(make, expression: str):
    with pytest.raises(ConditionFailed, match=r"\w"):
        holds(expression, make())


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "cannot be read"),
        ("true &&", "cannot be read"),
        ("customer.tier == 'gold'", "undeclared reference to 'customer.tier'"),
        ("action.tol == 'x'", "undeclared reference to 'action.tol'"),
        ("action == 1", "undeclared reference to 'action'"),
        ("run.spent_minor > 10.5", "no matching overload"),
        ("history.tool_day == 'many'", "no matching overload"),
        ("run.steps", "gives INT, not true or false"),
        ("action.arguments.vip", "“== true”"),
        ("(" * 300 + "true" + ")" * 300, "cannot be read"),
        ("'\ud800' == ''", "cannot be read"),
        ("true" + " " * MAX_LENGTH, "longer than 2000 characters"),
    ],
)
def test_an_expression_that_is_no_condition_is_refused_with_a_sentence(expression: str, sentence: str):
    with pytest.raises(BadCondition) as refused:
        compile_condition(expression)
    assert sentence in str(refused.value)


def test_the_context_gives_every_declared_variable_and_no_other(make):
    assert set(make().as_cel()) == set(VARIABLES)


def test_missing_facts_are_an_error():
    with pytest.raises(ConditionFailed, match="run"):
        compile_condition("run.steps > 1").holds(Facts({"action.tool": "x"}))


def test_facts_that_the_evaluator_cannot_read_are_an_error():
    with pytest.raises(ConditionFailed):
        compile_condition("action.tool != ''").holds(Facts({"action.tool": "\ud800"}))


def test_a_compiled_condition_is_kept():
    assert compile_condition("run.steps > 41") is compile_condition("run.steps > 41")


def test_threads_may_share_a_condition(make):
    condition = compile_condition("action.tool == 'crm.customer' && run.steps > 100 && history.tool_day >= 0")
    wrong: list[int] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        facts = Facts(make(steps=number * 50).as_cel())
        start.wait()
        wrong.extend(number for _ in range(500) if condition.holds(facts) is not (number * 50 > 100))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
