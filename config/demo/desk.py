"""A support desk as data: connections, tools, policy, queues and the agent, made by the product's own operations.

Nothing in the product knows any of this; another desk is other data.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from agents.models import Agent, ModelRoute
from agents.operations import create_agent, publish_version, save_route
from approvals.models import ReviewQueue
from approvals.operations import activate_policy, draft_policy, save_queue
from approvals.policies.default import DEFAULT_QUEUE, DEFAULT_RULES
from tools.models import Connection, Tool
from tools.operations import create_connection, save_tool, update_connection
from workspaces.actors import Actor
from workspaces.models import Workspace

GOAL: Final = (
    "You work on the tickets of a support desk. Look the customer up first. If exactly one customer fits, propose the "
    "change of the customer's record that the ticket asks for, if it asks for one, together with an e-mail reply to "
    "the customer's address on record. If no customer or several fit, change nothing and say what is missing. Write to "
    "customers in their own language, briefly and kindly, and promise nothing that has not been done."
)
TIERS: Final = ["standard", "silver", "gold"]
FOUND: Final = [
    {"name": "id", "type": "integer"},
    "name",
    "email",
    "tier",
    "address",
    "note",
]
CHANGEABLE: Final = [
    {"name": "tier", "enum": TIERS, "description": "What the customer has bought."},
    {"name": "address", "max_length": 500, "description": "Postal address."},
    {"name": "note", "max_length": 2000, "nullable": True, "description": "A note for colleagues."},
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a support desk consists of."""

    workspace: Workspace
    agent: Agent
    queue: ReviewQueue
    route: ModelRoute
    crm: Connection
    mail: Connection
    find: Tool
    update: Tool
    send: Tool


def build_desk(
    *,
    workspace: Workspace,
    crm: dict[str, Any],
    crm_secret: dict[str, Any],
    mail: dict[str, Any],
    sender: str,
    endpoints: list[dict[str, Any]],
    by: Actor,
    budget_usd: Decimal | None = None,
) -> Desk:
    """Set the desk up in ``workspace``, or bring its connections and route up to date where it is there already."""
    queue = _queue(workspace, by)
    connections = _connections(workspace, crm, crm_secret, mail, by)
    tools = _tools(workspace, *connections, sender, by)
    route = save_route(workspace=workspace, name="default", endpoints=endpoints, by=by)
    agent = Agent.objects.filter(workspace=workspace, name="support-desk").first()
    if agent is None:
        agent = _agent(workspace, route, tools, budget_usd, by)
    return Desk(workspace, agent, queue, route, *connections, *tools)


def _queue(workspace: Workspace, by: Actor) -> ReviewQueue:
    return save_queue(
        workspace=workspace,
        name=DEFAULT_QUEUE,
        title="Support review",
        is_default=True,
        editors_may_approve=True,
        by=by,
    )


def _agent(
    workspace: Workspace, route: ModelRoute, tools: tuple[Tool, Tool, Tool], budget_usd: Decimal | None, by: Actor
) -> Agent:
    """Put the default policy in force, and make the agent with its first version."""
    rules = draft_policy(workspace=workspace, name="default", title="Default policy", rules=DEFAULT_RULES, by=by)
    activate_policy(version=rules, by=by)
    agent = create_agent(workspace=workspace, name="support-desk", title="Support desk", by=by)
    publish_version(
        agent=agent,
        goal=GOAL,
        route=route,
        tools=tools,
        budget_usd=budget_usd,
        subject={"kind": "customer", "tool": tools[0].name, "field": "id"},
        by=by,
    )
    return agent


def _connections(
    workspace: Workspace, crm: dict[str, Any], crm_secret: dict[str, Any], mail: dict[str, Any], by: Actor
) -> tuple[Connection, Connection]:
    return (
        ensure_connection(workspace=workspace, name="crm", kind="postgres", config=crm, secret=crm_secret, by=by),
        ensure_connection(workspace=workspace, name="mail", kind="smtp", config=mail, secret={}, by=by),
    )


def ensure_connection(
    *, workspace: Workspace, name: str, kind: str, config: dict[str, Any], secret: dict[str, Any], by: Actor
) -> Connection:
    """Create the connection, or change it where address or secret differ; an unchanged one keeps its version."""
    present = Connection.objects.filter(workspace=workspace, name=name).first()
    if present is None:
        return create_connection(workspace=workspace, name=name, kind=kind, config=config, secret=secret, by=by)
    if present.config == config and present.open_secret() == secret:
        return present
    return update_connection(connection=present, config=config, secret=secret, by=by)


def _tools(workspace: Workspace, crm: Connection, mail: Connection, sender: str, by: Actor) -> tuple[Tool, Tool, Tool]:
    return _find(workspace, crm, by), _update(workspace, crm, by), _send(workspace, mail, sender, by)


def _find(workspace: Workspace, crm: Connection, by: Actor) -> Tool:
    return save_tool(
        workspace=workspace,
        name="crm.customer.find",
        title="Find customer",
        description="Find customers by e-mail address, exact name or id.",
        connection=crm,
        operation_name="row.find",
        options={
            "table": "customers",
            "columns": FOUND,
            "search": ["email", "name", {"name": "id", "type": "integer"}],
            "limit": 10,
        },
        by=by,
    )


def _update(workspace: Workspace, crm: Connection, by: Actor) -> Tool:
    return save_tool(
        workspace=workspace,
        name="crm.customer.update",
        title="Update customer",
        description="Change tier, address or note of one customer, named by id.",
        connection=crm,
        operation_name="row.update",
        options={"table": "customers", "key": {"name": "id", "type": "integer"}, "columns": CHANGEABLE},
        by=by,
    )


def _send(workspace: Workspace, mail: Connection, sender: str, by: Actor) -> Tool:
    return save_tool(
        workspace=workspace,
        name="mail.reply",
        title="Send e-mail",
        description="Send a plain e-mail to one customer. It cannot be taken back.",
        connection=mail,
        operation_name="mail.send",
        options={"from": sender},
        by=by,
    )
