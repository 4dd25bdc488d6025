"""How one attempt at an action ended."""

from dataclasses import dataclass
from typing import Any

from tools.connectors.base import Done
from tools.states import ActionStatus, AttemptOutcome


@dataclass(frozen=True, slots=True)
class Ending:
    """How one attempt ended: the fate of the action, and what the outside system said."""

    outcome: AttemptOutcome
    status: ActionStatus
    sentence: str
    done: Done | None = None
    evidence: dict[str, Any] | None = None
