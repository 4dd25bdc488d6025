"""The pure functions that ``code`` nodes may call, by name: data in, data out, and nothing else touched.

A function says by schema what it takes and gives. An installation names its own in ``WORKFLOW_FUNCTIONS``, each by the
dotted path of a :class:`Function`, for every process; a run whose function is gone fails with a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents.workflows.values import Failed
from tools.schemas import check_schema, problems_of


@dataclass(frozen=True, slots=True)
class Function:
    """A function: ``takes`` is the JSON Schema of its arguments (an object), ``gives`` that of what it returns."""

    name: str
    summary: str
    call: Callable[..., Any]
    takes: dict[str, Any]
    gives: dict[str, Any] = field(default_factory=dict)


_known: dict[str, Function] = {}


def register(function: Function) -> None:
    """Let ``code`` nodes call ``function``; raise ``ValueError`` where another one has its name."""
    check_schema(function.takes)
    check_schema(function.gives, of_object=False)
    if _known.get(function.name, function) != function:
        raise ValueError(f"There is a function named {function.name} already.")
    _known[function.name] = function


def registered() -> dict[str, Function]:
    """Return all functions by name."""
    return dict(sorted(_known.items()))


def call(name: str, arguments: dict[str, Any]) -> Any:
    """Return what the function gives; raise ``Failed`` where it is not there, does not fit, or fails."""
    function = _known.get(name)
    if function is None:
        raise Failed(f"There is no function {name} in this installation.")
    _check(f"The arguments of {name} do not fit", arguments, function.takes)
    try:
        found = function.call(**arguments)
    except Exception as error:  # whatever it raises is its answer: the step fails, never the worker
        raise Failed(f"The function {name} failed ({type(error).__name__}): {error}"[:1000]) from error
    _check(f"What {name} gave does not fit", found, function.gives)
    return found


def _check(what: str, value: Any, schema: dict[str, Any]) -> None:
    problems = problems_of(value, schema)
    if problems:
        raise Failed(f"{what}: {problems[0].path}: {problems[0].sentence}")
