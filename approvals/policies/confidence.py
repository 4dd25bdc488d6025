"""How sure one can be of a proposal: what code can measure, beside what the agent says of itself.

All figures are whole percents, -1 where there is nothing to measure or nothing was said. What is *measured*:

- ``match``: of the arguments' leaves, how many stand in something that the agent was told or has read, and not by
  coincidence.
- ``amount``: 100 where an amount is exactly what is left of the charge, 50 where it is a part of it, 0 where it does
  not fit (more than is left, or another currency).
- ``retrieval``: how good the best passage is that the run has found, of the best possible.

``computed`` is the lowest of them. ``stated`` is the agent's own word. It can only narrow a verdict, never widen it:
see ``evaluate``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from approvals.policies.context import UNKNOWN, ConfidenceFacts

SURE, PART, WRONG = 100, 50, 0


def measured(
    leaves: Iterable[Mapping[str, Any]],
    arguments: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    *,
    retrieval: int = UNKNOWN,
    stated: int = UNKNOWN,
) -> ConfidenceFacts:
    """Return the figures for one proposed call; ``before`` is the state that it would change, where that was read."""
    match, amount = match_of(leaves), amount_of(arguments, before)
    known = [figure for figure in (match, amount, retrieval) if figure != UNKNOWN]
    return ConfidenceFacts(
        stated=stated, computed=min(known, default=UNKNOWN), match=match, amount=amount, retrieval=retrieval
    )


def match_of(leaves: Iterable[Mapping[str, Any]]) -> int:
    """Return the percentage of leaves that were found in a source, and not by coincidence; rounded down."""
    found = [bool(leaf["sources"]) and not leaf["coincidence"] for leaf in leaves]
    return 100 * sum(found) // len(found) if found else UNKNOWN


def amount_of(arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> int:
    """Compare ``amount`` (in smallest units; absent: all) with what ``before`` says remains."""
    remaining = None if before is None else before.get("remaining")
    if before is None or type(remaining) is not int:
        return UNKNOWN
    amount = arguments.get("amount", remaining)
    if type(amount) is not int or arguments.get("currency", before.get("currency")) != before.get("currency"):
        return WRONG
    if amount == remaining and amount > 0:
        return SURE
    return PART if 0 < amount < remaining else WRONG
