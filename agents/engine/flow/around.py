"""What a node may read where it stands, whoever carries it out."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agents.engine.flow.state import Seen
from agents.workflows.values import Expression, compile_expression, expression_of, expressions_in, resolve


@dataclass(frozen=True, slots=True)
class Given:
    """What a node gives: a value, whether all that it was made of may be trusted, and the way on that it chose."""

    value: Any
    trusted: bool
    way: str = ""


class Around:
    """Evaluates a node's templates and conditions over what ``see`` finds."""

    __slots__ = ()
    node: Any

    @property
    def inside_map(self) -> bool:
        """Whether the step works on one item of a map, so that expressions know ``item`` and ``index``."""
        return False

    @abstractmethod
    def see(self, expressions: Iterable[Expression]) -> Seen:
        """Return what the expressions are evaluated over, here."""

    def resolve(self, template: Any) -> tuple[Any, bool]:
        """Return the template's value, and whether all that it was made of may be trusted; raise ``Failed``."""
        inside = self.inside_map
        seen = self.see(expression_of(one, inside_map=inside) for _, one in expressions_in(template))
        return resolve(template, seen.facts, inside_map=inside), seen.trusted

    def first_true(self, conditions: list[str]) -> tuple[int | None, bool]:
        """Return which condition is the first to hold, and whether what they read may be trusted; raise ``Failed``."""
        expressions = [compile_expression(text, self.inside_map) for text in conditions]
        seen = self.see(expressions)
        holding = (at for at, one in enumerate(expressions) if one.holds(seen.facts))
        return next(holding, None), seen.trusted
