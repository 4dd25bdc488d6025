"""A support desk as data: connections, tools, policy, queues and the agent, made by the product's own operations.

Nothing in the product knows any of this; another desk is other data.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from agents.models import Agent, AgentVersion, ModelRoute
from agents.operations import create_agent, publish_version, save_route
from approvals.models import ReviewQueue
from approvals.operations import activate_policy, draft_policy, save_queue
from approvals.policies.default import DEFAULT_QUEUE, DEFAULT_RULES
from config.demo.joining import ensure_connection, lacking
from config.demo.knowing import set_up_handbook, set_up_memory
from config.demo.till import set_up_till
from memory.models import Collection
from tools.models import Connection, Tool
from tools.operations import save_tool
from workspaces.actors import Actor
from workspaces.models import Workspace

GOAL: Final = (
    "You work on the tickets of a support desk. Look the customer up first. If exactly one customer fits, propose the "
    "change of the customer's record that the ticket asks for, if it asks for one, together with an e-mail reply to "
    "the customer's address on record. If no customer or several fit, change nothing and say what is missing. If the "
    "ticket asks for money back, find the customer's charges and propose one refund only if it is clear which charge "
    "and how much is meant; if it asks to end or resume a subscription, propose that. Otherwise say what is unclear. "
    "If the ticket asks a question, search the handbook and quote what answers it, with its place. If it says how the "
    "customer wants to be written to from now on, propose to remember that, and keep to what is remembered. "
    "Write to customers in their own language, briefly and kindly, and promise nothing that has not been done."
)
STEPS: Final = 30
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
    remember: Tool
    till: tuple[Tool, ...] = ()
    handbook: Collection | None = None
    search: Tool | None = None

    @property
    def tools(self) -> list[Tool]:
        """Everything that its agent works with."""
        return [self.find, self.update, self.send, self.remember, *self.till, *([self.search] if self.search else [])]

    @property
    def subject(self) -> dict[str, Any]:
        """Whom its conversations are about."""
        return {"kind": "customer", "tool": self.find.name, "field": "id"}


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
    payments: dict[str, Any] | None = None,
    payments_secret: dict[str, Any] | None = None,
    handbook: bytes | None = None,
) -> Desk:
    """Set the desk up in ``workspace``, or bring its connections and route up to date where it is there already.

    ``payments`` is the address of a Stripe account; without it the desk has no till. ``handbook`` is a text in Markdown
    that the agent searches; without it there is nothing to search.
    """
    queue = _queue(workspace, by)
    till = set_up_till(workspace, payments, payments_secret or {}, by) if payments else ()
    remember = set_up_memory(workspace, by)
    known = set_up_handbook(workspace, handbook, by) if handbook else (None, None)
    connections = _connections(workspace, crm, crm_secret, mail, by)
    tools = _tools(workspace, *connections, sender, by)
    route = save_route(workspace=workspace, name="default", endpoints=endpoints, by=by)
    agent = Agent.objects.filter(workspace=workspace, name="support-desk").first()
    if agent is None:
        _activate_default(workspace, by)
        agent = create_agent(workspace=workspace, name="support-desk", title="Support desk", by=by)
    desk = Desk(workspace, agent, queue, route, *connections, *tools, remember, till, *known)
    keep_version(desk, budget_usd, by)
    return desk


def keep_version(desk: Desk, budget_usd: Decimal | None, by: Actor) -> None:
    """Publish a version where the agent has none, or one that lacks a tool which the desk has got since."""
    last = desk.agent.current_version
    missing = lacking(last, desk.tools)
    if not missing:
        return
    publish_version(
        agent=desk.agent,
        goal=GOAL if last is None else last.goal,
        route=desk.route,
        tools=missing if last is None else [*last.tools.order_by("name"), *missing],
        budget_usd=budget_usd if last is None else last.budget_usd,
        step_limit=STEPS if last is None else last.step_limit,
        subject=desk.subject,
        collections=collections_of(desk, last),
        by=by,
    )


def collections_of(desk: Desk, last: AgentVersion | None) -> list[Collection]:
    """Return what the next version may search: what the last one may, and the desk's handbook."""
    kept = [] if last is None else list(last.collections.order_by("name"))
    return kept if desk.handbook is None or desk.handbook in kept else [*kept, desk.handbook]


def _queue(workspace: Workspace, by: Actor) -> ReviewQueue:
    return save_queue(
        workspace=workspace,
        name=DEFAULT_QUEUE,
        title="Support review",
        is_default=True,
        editors_may_approve=True,
        by=by,
    )


def _activate_default(workspace: Workspace, by: Actor) -> None:
    rules = draft_policy(workspace=workspace, name="default", title="Default policy", rules=DEFAULT_RULES, by=by)
    activate_policy(version=rules, by=by)


def _connections(
    workspace: Workspace, crm: dict[str, Any], crm_secret: dict[str, Any], mail: dict[str, Any], by: Actor
) -> tuple[Connection, Connection]:
    return (
        ensure_connection(workspace=workspace, name="crm", kind="postgres", config=crm, secret=crm_secret, by=by),
        ensure_connection(workspace=workspace, name="mail", kind="smtp", config=mail, secret={}, by=by),
    )


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
