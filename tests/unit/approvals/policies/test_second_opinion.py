"""Another implementation of CEL, written by others, gives the same verdicts."""

import sys
from functools import cache
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.policies.cel import ConditionFailed, Facts, compile_condition
from approvals.policies.context import GateContext
from approvals.policies.default import DEFAULT_RULES
from tests.unit.approvals.policies.contexts import CONDITIONS, contexts

EXPRESSIONS = [*CONDITIONS, *(rule["when"] for rule in DEFAULT_RULES)]


@cache
def program(expression: str) -> Any:
    limit = sys.getrecursionlimit()
    try:
        environment = celpy.Environment()  # raises the recursion limit for the whole process
        return environment.program(environment.compile(expression))
    finally:
        sys.setrecursionlimit(limit)


def first(expression: str, context: GateContext) -> bool | None:
    try:
        return compile_condition(expression).holds(Facts(context.as_cel()))
    except ConditionFailed:
        return None


def second(expression: str, context: GateContext) -> bool | None:
    activation = {name: json_to_cel(value) for name, value in context.as_json().items()}
    activation["now"] = celpy.celtypes.TimestampType(context.as_json()["now"])
    try:
        found = program(expression).evaluate(activation)
    except CELEvalError:
        return None
    assert isinstance(found, celpy.celtypes.BoolType | bool)
    return bool(found)


@settings(max_examples=60, deadline=None)
@given(contexts(), st.sampled_from(EXPRESSIONS))
def test_both_evaluators_agree(context: GateContext, expression: str):
    assert first(expression, context) == second(expression, context)


@settings(max_examples=15, deadline=None)
@given(contexts())
def test_both_evaluators_agree_on_the_whole_default_policy(context: GateContext):
    conditions = [rule["when"] for rule in DEFAULT_RULES]
    assert [first(when, context) for when in conditions] == [second(when, context) for when in conditions]
