"""The pure functions that ``code`` nodes may call, by name: data in, data out, and nothing else touched.

A function says by schema what it takes and gives. An installation names its own in ``WORKFLOW_FUNCTIONS``, each by the
dotted path of a :class:`Function`, for every process; a run whose function is gone fails with a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents.workflows.values import Failed
from tools.schemas import Problem, check_schema, checker


@dataclass(frozen=True, slots=True)
class Function:
    """A function: ``takes`` is the JSON Schema of its arguments (an object), ``gives`` that of what it returns."""

    name: str
    summary: str
    call: Callable[..., Any]
    takes: dict[str, Any]
    gives: dict[str, Any] = field(default_factory=dict)


_known: dict[str, Function] = {}
_fits: dict[str, tuple[Callable[[Any], list[Problem]], Callable[[Any], list[Problem]]]] = {}
"""What is wrong with a function's arguments, and with what it gave."""


def register(function: Function) -> None:
    """Let ``code`` nodes call ``function``; raise ``ValueError`` where another one has its name."""
    check_schema(function.takes)
    check_schema(function.gives, of_object=False)
    if _known.get(function.name, function) != function:
        raise ValueError(f"There is a function named {function.name} already.")
    _known[function.name] = function
    _fits[function.name] = (checker(function.takes), checker(function.gives))


def registered() -> dict[str, Function]:
    """Return all functions by name."""
    return dict(sorted(_known.items()))


def call(name: str, arguments: dict[str, Any]) -> Any:
    """Return what the function gives; raise ``Failed`` where it is not there, does not fit, or fails."""
    function = _known.get(name)
    if function is None:
        raise Failed(f"There is no function {name} in this installation.")
    takes, gives = _fits[name]
    _check(f"The arguments of {name} do not fit", takes(arguments))
    try:
        found = function.call(**arguments)
    except Exception as error:  # whatever it raises is its answer: the step fails, never the worker
        raise Failed(f"The function {name} failed ({type(error).__name__}): {error}"[:1000]) from error
    _check(f"What {name} gave does not fit", gives(found))
    return found


def _check(what: str, problems: list[Problem]) -> None:
    if problems:
        raise Failed(f"{what}: {problems[0].path}: {problems[0].sentence}")
