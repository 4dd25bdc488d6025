"""What was found out about an action in doubt, for whoever settles it."""

from typing import Any

from approvals.diffs import label_of
from approvals.sentences import short


def found_out(probe: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a probe found, value by value: what a person looks for at the outside system, and what is there.

    Of the states in its evidence only the one that it found is told: what was and what was meant stand beside it.
    """
    found = probe.get("evidence")
    told = found if isinstance(found, dict) else {}
    flat = [([name], value) for name, value in told.items()]
    there = told.get("found")
    flat += [(["found", name], value) for name, value in there.items()] if isinstance(there, dict) else []
    return [(label_of([*names]), short(value)) for names, value in flat if not isinstance(value, dict | list)]
