"""Every write of the tools floor. ``execute`` and ``observe`` are the two doors to the outside; there is no third."""

from tools.operations.budgeting import BudgetOf, change_budget, create_budget, extend_budget
from tools.operations.configuring import (
    check_may_change,
    create_connection,
    save_tool,
    set_tool_enabled,
    update_connection,
)
from tools.operations.executing import execute
from tools.operations.images import look_before, read_back
from tools.operations.observing import Observation, observe
from tools.operations.proposing import propose
from tools.operations.settling import lose, prove, settle
from tools.operations.spending import Need, Used, reserve, settle_reservation

__all__ = [
    "BudgetOf",
    "Need",
    "Observation",
    "Used",
    "change_budget",
    "check_may_change",
    "create_budget",
    "create_connection",
    "execute",
    "extend_budget",
    "look_before",
    "lose",
    "observe",
    "propose",
    "prove",
    "read_back",
    "reserve",
    "save_tool",
    "set_tool_enabled",
    "settle",
    "settle_reservation",
    "update_connection",
]
