"""Every write of the agents floor that people or programs ask for."""

from agents.operations.rollbacks import confirm_rollback, preview_rollback
from agents.operations.runs import cancel_run, start_run

__all__ = ["cancel_run", "confirm_rollback", "preview_rollback", "start_run"]
