"""The expressions of a workflow: CEL over the run's input and what its nodes have given.

``{"$": "nodes.look.output.count + 1"}`` stands for a value; whatever is not of this form stands for itself. Whole
numbers stay whole. The evaluator hands errors back as values like any other, so that only proper results are taken.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from agents.workflows.nodes import EXPRESSION

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 100
INSIDE_MAP: Final = frozenset({"item", "index"})
_VARIABLES: Final = {"input": cel.Type.DYN, "nodes": cel.Type.DYN, "run": cel.Type.DYN}
_OUTSIDE: Final = cel.NewEnv(variables=_VARIABLES)
_INSIDE: Final = cel.NewEnv(variables={**_VARIABLES, "item": cel.Type.DYN, "index": cel.Type.INT})
_PATH: Final = re.compile(r"(input|nodes|run|item|index)((?:\.[A-Za-z_]\w*)*)", re.ASCII)
_TEXTS: Final = re.compile(
    r"""[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL
)
_NAMES: Final = re.compile(r"(?<![\w.])(input|nodes|run|item|index)\b(?:\s*\.\s*([A-Za-z_]\w*))?")


class BadExpression(Exception):
    """An expression that cannot be used; the message says why, without a place."""


class Failed(Exception):
    """What went wrong while a node was carried out: a sentence for people. The node fails, and nothing else does."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; ``names`` are the variables that it reads, each with its first field or None."""

    text: str
    compiled: cel.Expression
    path: tuple[str, ...]
    names: frozenset[tuple[str, str | None]]
    inside_map: bool

    @property
    def nodes(self) -> frozenset[str]:
        """The ids of the nodes whose outputs it reads."""
        return frozenset(field for name, field in self.names if name == "nodes" and field is not None)

    def value(self, facts: "Facts") -> Any:
        """Return what it gives, as JSON; raise ``Failed``."""
        return facts.at(self) if self.path else facts.evaluate(self)

    def holds(self, facts: "Facts") -> bool:
        """Say whether it is true; raise ``Failed`` where it is neither true nor false."""
        found = self.value(facts)
        if found is True or found is False:
            return found
        raise Failed(f"The condition “{self.text}” gives {_kind(found)}, not true or false.")


class Facts:
    """The values of the variables, converted for CEL only when an expression needs it."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = dict(variables)
        self._activations: dict[bool, Any] = {}

    def at(self, expression: Expression) -> Any:
        """Return what stands at the plain path of ``expression``: the same as CEL finds there, without asking it."""
        found: Any = self.variables
        for step in expression.path:
            if not isinstance(found, Mapping) or step not in found:
                raise Failed(f"The expression “{expression.text}” failed: there is no “{step}”.")
            found = found[step]
        return found

    def evaluate(self, expression: Expression) -> Any:
        """Return what CEL makes of ``expression``."""
        try:
            value = expression.compiled.eval(self._activation(expression.inside_map))
            failed, plain = value.type() == cel.Type.ERROR, value.plain_value()
        except Exception as error:  # the binding raises bare RuntimeError and more
            raise Failed(f"The expression “{expression.text}” failed: {error}") from error
        if failed:
            raise Failed(f"The expression “{expression.text}” failed: {plain}")
        return as_json(plain, expression.text)

    def _activation(self, inside_map: bool) -> Any:
        if inside_map not in self._activations:
            environment = _INSIDE if inside_map else _OUTSIDE
            known = {*_VARIABLES, *(INSIDE_MAP if inside_map else ())}
            given = {name: value for name, value in self.variables.items() if name in known}
            self._activations[inside_map] = environment.Activation(given)
        return self._activations[inside_map]


@lru_cache(maxsize=4096)
def compile_expression(text: str, inside_map: bool = False) -> Expression:
    """Compile an expression of at most 2,000 characters; raise ``BadExpression``. Only a map knows item and index."""
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"the expression is longer than {MAX_LENGTH:,} characters")
    try:
        compiled = (_INSIDE if inside_map else _OUTSIDE).compile(text)
    except Exception as error:  # the binding raises bare RuntimeError, and UnicodeError for lone surrogates
        raise BadExpression(f"the expression “{text}” cannot be read: {_first_line(error)}") from error
    names = frozenset((name, field or None) for name, field in _NAMES.findall(_TEXTS.sub('""', text)))
    if ("nodes", None) in names:
        raise BadExpression(f"the expression “{text}” has to name one node at a time: write nodes.<id>")
    plain = _PATH.fullmatch(text)
    return Expression(text, compiled, tuple(text.split(".")) if plain else (), names, inside_map)


def is_expression(value: Any) -> bool:
    """Say whether ``value`` stands for the value of an expression."""
    return isinstance(value, dict) and EXPRESSION in value


def expression_of(value: dict[str, Any], *, inside_map: bool = False) -> Expression:
    """Return the expression of a value that is one; raise ``BadExpression``."""
    text = value[EXPRESSION]
    if not isinstance(text, str) or len(value) > 1:
        raise BadExpression('an expression is an object of one field: {"$": "input.email"}')
    return compile_expression(text, inside_map)


def expressions_in(template: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the expressions of a template, each with its place."""
    waiting: list[tuple[str, Any, int]] = [(path, template, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise BadExpression(f"the values are nested deeper than {MAX_DEPTH} levels")
        if is_expression(value):
            yield place, value
        elif isinstance(value, dict):
            waiting += [(f"{place}/{key}", inner, depth + 1) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(f"{place}/{at}", value[at], depth + 1) for at in range(len(value) - 1, -1, -1)]


def resolve(template: Any, facts: Facts, *, inside_map: bool = False) -> Any:
    """Return ``template`` with the values of its expressions; raise ``Failed``."""
    if is_expression(template):
        return expression_of(template, inside_map=inside_map).value(facts)
    if isinstance(template, dict):
        return {key: resolve(value, facts, inside_map=inside_map) for key, value in template.items()}
    if isinstance(template, list):
        return [resolve(value, facts, inside_map=inside_map) for value in template]
    return template


def as_json(value: Any, text: str) -> Any:
    """Return an evaluator's value as JSON: times as RFC 3339; raise ``Failed`` for what JSON does not know."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return [as_json(one, text) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_json(one, text) for key, one in value.items()}
    raise Failed(f"The expression “{text}” gives {_kind(value)}, which JSON does not know.")


def _kind(value: Any) -> str:
    names = {str: "a text", dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [""])[0]
    return line.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:").removesuffix(" (in container '')")
