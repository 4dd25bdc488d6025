"""What can go wrong with actions, tools and connections, in sentences."""

from workspaces.errors import DomainError, StaleState


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
    """The worst case of the next call does not fit under the cap."""

    code = "budget_exhausted"
    http_status = 409
    default_hint = "A person can extend the budget."
