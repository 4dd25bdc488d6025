"""Connections, tools, actions and their attempts, budgets and usage."""

from tools.models.action import Action
from tools.models.attempt import ActionAttempt
from tools.models.budget import Budget, BudgetScope, Period, Reservation, Unit
from tools.models.connection import Connection, ConnectionGrant
from tools.models.tool import Tool
from tools.models.usage import UsageRecord
from workspaces.environments import Environment

__all__ = [
    "Action",
    "ActionAttempt",
    "Budget",
    "BudgetScope",
    "Connection",
    "ConnectionGrant",
    "Environment",
    "Period",
    "Reservation",
    "Tool",
    "Unit",
    "UsageRecord",
]
