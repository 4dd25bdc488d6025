"""What can go wrong with actions, tools and connections, in sentences."""

from typing import TYPE_CHECKING

from workspaces.errors import DomainError, StaleState

if TYPE_CHECKING:
    from tools.models import Budget


class Paused(StaleState):
    """A live pause covers the scope: nothing new starts."""

    code = "paused"
    default_hint = "It goes on when the pause is released."


class NotCleared(StaleState):
    """The action may not execute as things stand: no clearance, or not for what is there now."""

    code = "not_cleared"
    default_hint = "It is gated again before anything happens."


class ToolUnavailable(DomainError):
    """The tool or its connection is disabled or cannot be opened."""

    code = "tool_unavailable"
    http_status = 409
    default_hint = "An owner can enable it, or renew the connection's credential."


class BudgetExhausted(DomainError):
    """The worst case of the next call does not fit under the cap of ``budget``."""

    code = "budget_exhausted"
    http_status = 409
    default_hint = "A person can extend the budget."

    def __init__(self, message: str, budget: "Budget") -> None:
        super().__init__(message)
        self.budget = budget


class BudgetHeld(BudgetExhausted):
    """It does not fit now, but will if the calls under way cost less than they might."""

    code = "budget_held"
    default_hint = "It is tried again when the calls under way are over."


class PriceUnknown(DomainError):
    """A budget in money cannot be kept with a model that has no known price."""

    code = "price_unknown"
    http_status = 409
    default_hint = "Choose a model whose price is known, or publish a version without a budget in money."
