"""What can go wrong with agents and runs, in sentences."""

from workspaces.errors import DomainError, StaleState, TooLarge


class AgentUnavailable(DomainError):
    """The agent takes no tasks now."""

    code = "agent_unavailable"
    http_status = 409
    default_hint = "An owner can enable it, or publish a version of it."


class TicketTooLarge(TooLarge):
    """The task's text is longer than is accepted."""

    code = "ticket_too_large"


class NothingToRetry(StaleState):
    """The run does not go on with this step."""

    code = "nothing_to_retry"
    default_hint = "Load the run again: it says where it stands."


class CannotFork(StaleState):
    """The run cannot be forked there."""

    code = "cannot_fork"
    default_hint = "Choose another step."


class NotSimulated(StaleState):
    """The run cannot become a live one."""

    code = "not_simulated"
    default_hint = "Load the run again: it says where it stands."


class NothingToRollBack(StaleState):
    """No effect of the run can be undone now."""

    code = "nothing_to_roll_back"
    default_hint = "The preview says for each effect why not."
