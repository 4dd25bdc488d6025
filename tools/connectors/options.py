"""A tool's options, which narrow what its operation may touch: a misspelt one narrows nothing, so it is refused."""

from collections.abc import Mapping
from typing import Any, Final

from tools.connectors.base import Refused

USUAL_LIMIT: Final = 20
TRUSTED_RESULT: Final = "trusted_result"
"""The option of every operation that says: what this tool answers counts as a trusted source of arguments."""


def check_options(options: Mapping[str, Any], *known: str) -> None:
    """Raise ``Refused`` for options that the operation does not have."""
    extra = sorted(set(options) - {*known, TRUSTED_RESULT})
    if extra:
        there = ", ".join([*known, TRUSTED_RESULT])
        raise Refused(f"The tool's options have {', '.join(extra)}, which this operation does not know, but: {there}.")
    if not isinstance(options.get(TRUSTED_RESULT, False), bool):
        raise Refused(f"The tool's option {TRUSTED_RESULT} must be true or false: correct the tool.")


def limit_of(options: Mapping[str, Any], most: int) -> int:
    """Return how many rows a look-up may return, at most ``most``; raise ``Refused`` for an unusable option."""
    limit = options.get("limit", USUAL_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= most:
        raise Refused(f"The tool's option limit must be a whole number from 1 to {most}: correct the tool.")
    return limit
