"""Every write of the agents floor that people or programs ask for."""

from agents.operations.budgets import set_up_budget
from agents.operations.bulk import NewTask, start_runs
from agents.operations.configuring import create_agent, publish_version, save_route, set_agent_enabled
from agents.operations.forking import fork_run, make_live
from agents.operations.overlays import publish_overlay
from agents.operations.programs import admit_program
from agents.operations.rates import state_rate
from agents.operations.retrying import retry_step
from agents.operations.rollbacks import confirm_rollback, preview_rollback
from agents.operations.runs import cancel_run, start_run
from agents.operations.schedules import change_schedule, create_schedule
from agents.operations.signals import send_signal

__all__ = [
    "NewTask",
    "admit_program",
    "cancel_run",
    "change_schedule",
    "confirm_rollback",
    "create_agent",
    "create_schedule",
    "fork_run",
    "make_live",
    "preview_rollback",
    "publish_overlay",
    "publish_version",
    "retry_step",
    "save_route",
    "send_signal",
    "set_agent_enabled",
    "set_up_budget",
    "start_run",
    "start_runs",
    "state_rate",
]
