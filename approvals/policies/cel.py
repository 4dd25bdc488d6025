"""A strict use of CEL (Common Expression Language): a condition is true, false, or an error, and nothing else.

The evaluator hands errors back as *values* that look like any other, and are even truthy; some failures it raises.
So only a BOOL that is ``True`` counts as true, only a BOOL that is ``False`` counts as false, and everything else is
``ConditionFailed``. Every variable is declared with its type: a misspelt name is found when a rule is written, not
when an action is waiting. Regular expressions are RE2 and loops have a fixed budget, so no condition can run for long.

A compiled condition keeps no state between evaluations and may be used by any number of threads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

MAX_LENGTH: Final = 2000

_TEXT_TO_ANY: Final = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)

VARIABLES: Final[Mapping[str, cel.Type]] = {
    "action.tool": cel.Type.STRING,
    "action.operation": cel.Type.STRING,
    "action.effect": cel.Type.STRING,
    "action.egress": cel.Type.BOOL,
    "action.idempotency": cel.Type.STRING,
    "action.connection": cel.Type.STRING,
    "action.environment": cel.Type.STRING,
    "action.has_undo": cel.Type.BOOL,
    "action.compensates": cel.Type.BOOL,
    "action.arguments": _TEXT_TO_ANY,
    "action.moves_money": cel.Type.BOOL,
    "provenance.all_trusted": cel.Type.BOOL,
    "provenance.any_coincidence": cel.Type.BOOL,
    "provenance.untrusted_influence": cel.Type.BOOL,
    "provenance.planned": cel.Type.BOOL,
    "provenance.leaves": cel.Type.List(_TEXT_TO_ANY),
    "agent.name": cel.Type.STRING,
    "agent.version": cel.Type.INT,
    "run.kind": cel.Type.STRING,
    "run.environment": cel.Type.STRING,
    "run.steps": cel.Type.INT,
    "run.spent_minor": cel.Type.INT,
    "run.currency": cel.Type.STRING,
    "run.labels": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
    "subject.kind": cel.Type.STRING,
    "subject.ref": cel.Type.STRING,
    "history.tool_hour": cel.Type.INT,
    "history.tool_day": cel.Type.INT,
    "history.run_same_call": cel.Type.INT,
    "history.in_doubt": cel.Type.INT,
    "confidence.stated": cel.Type.INT,
    "confidence.computed": cel.Type.INT,
    "confidence.match": cel.Type.INT,
    "confidence.amount": cel.Type.INT,
    "confidence.retrieval": cel.Type.INT,
    "reviewer": cel.Type.Map(cel.Type.STRING, cel.Type.INT),
    "now": cel.Type.TIMESTAMP,
}

_ENVIRONMENT: Final = cel.NewEnv(variables=VARIABLES)


class BadCondition(Exception):
    """An expression that cannot be a condition; the message is a sentence that says why."""


class ConditionFailed(Exception):
    """A condition that gave neither true nor false; the message says what the evaluator found."""


class Facts:
    """The values of all ``VARIABLES`` for one action, converted once and read by every condition."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.activation = _ENVIRONMENT.Activation(dict(values))


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled, type-checked expression."""

    expression: str
    compiled: cel.Expression

    def holds(self, facts: Facts) -> bool:
        """Return whether the condition is true of ``facts``; raise ``ConditionFailed`` where that cannot be said."""
        try:
            value = self.compiled.eval(facts.activation)
            plain = value.value() if value.type() == cel.Type.BOOL else None
        except Exception as error:  # the binding raises bare RuntimeError and more; none of them may allow anything
            raise ConditionFailed(str(error)) from error
        if plain is True or plain is False:
            return plain
        raise ConditionFailed(str(value.value()))


@lru_cache(maxsize=4096)
def compile_condition(expression: str) -> Condition:
    """Compile ``expression`` (at most 2,000 characters) and check that it gives a boolean; raise ``BadCondition``."""
    if len(expression) > MAX_LENGTH:
        raise BadCondition(f"The condition is longer than {MAX_LENGTH} characters: split it into several rules.")
    try:
        compiled = _ENVIRONMENT.compile(expression)
    except Exception as error:  # the binding raises bare RuntimeError, and UnicodeError for lone surrogates
        raise BadCondition(f"The condition cannot be read: {_first_line(error)}") from error
    if compiled.return_type() != cel.Type.BOOL:
        raise BadCondition(
            f"The condition gives {compiled.return_type().name()}, not true or false: compare it with something, "
            "for example “== true”."
        )
    return Condition(expression, compiled)


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [""])[0]
    return (
        line.removeprefix("INVALID_ARGUMENT: ")
        .removeprefix("ERROR: <input>:")
        .removesuffix(" (in container '')")
        .strip()
    )
