"""Setting up budgets that hold for more than one run: of a workspace, an agent, or a customer."""

from decimal import Decimal

from agents.models import Agent
from tools.models import Budget, BudgetScope, Period
from tools.operations import BudgetOf, create_budget
from workspaces.actors import Actor
from workspaces.errors import InvalidInput
from workspaces.models import Workspace


def set_up_budget(
    *,
    workspace: Workspace,
    scope_kind: str,
    unit: str,
    limit: Decimal,
    by: Actor,
    period: str = Period.TOTAL,
    agent: Agent | None = None,
    subject_kind: str = "customer",
    subject_ref: str = "",
) -> Budget:
    """Cap what a workspace, one of its agents, or a customer may use; raise ``InvalidInput`` with what is wrong.

    The budget of a run is stated by its agent's version, and extended by deciding on its request.
    """
    if scope_kind == BudgetScope.WORKSPACE:
        whose = BudgetOf.workspace(workspace)
    elif scope_kind == BudgetScope.CUSTOMER:
        whose = BudgetOf.customer(workspace, subject_kind, subject_ref)
    elif scope_kind == BudgetScope.AGENT:
        whose = _of_agent(workspace, agent)
    else:
        raise InvalidInput(
            "A budget is of a workspace, an agent or a customer.",
            "What one run may use is stated when a version of its agent is published.",
            {"scope_kind": ["Choose workspace, agent or customer."]},
        )
    return create_budget(workspace=workspace, of=whose, unit=unit, limit=limit, period=period, by=by)


def _of_agent(workspace: Workspace, agent: Agent | None) -> BudgetOf:
    if agent is None or agent.workspace_id != workspace.id:
        raise InvalidInput("Say which agent's budget it is.", "Choose one.", {"agent": ["This may not be empty."]})
    return BudgetOf(kind=BudgetScope.AGENT, id=agent.id, name=f"the agent {agent.title}")
