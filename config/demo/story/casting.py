"""Who is needed beside the four people of the demo, engaged through the product's own operations, once."""

import os
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any

from django.utils import timezone

from agents.models import Agent, AgentGrant, AgentVersion, ModelRoute
from agents.operations import admit_program, create_agent, publish_version, save_route
from config.demo import seed
from config.demo.joining import ensure_connection
from config.demo.knowing import HANDBOOK
from config.demo.story.model_server import MODEL as UNSTEADY_MODEL
from memory.models import Collection
from memory.models.knowledge import CollectionGrant
from tools.models import Tool
from tools.operations import save_tool
from workspaces.actors import System
from workspaces.models import ApiKey, Team, User, Workspace
from workspaces.operations import keys, people, teams

CAST = System("story")
DESK = "support-desk"
PROGRAM = "story"
UNLUCKY = "story-unlucky-mail"
SHORT = "story-short-of-steps"
POOR = "story-short-of-money"
UNSTEADY = "story-unsteady-model"
PATIENCE = 4
FEW_STEPS = 2
LOCAL = frozenset({"postgres", "smtp"})
LITTLE_MONEY = Decimal("0.000001")
MODEL = "claude-sonnet-4-6"
STRANGER = "stranger@story.example"


@dataclass(frozen=True, slots=True)
class Cast:
    """The parts beside the demo's people: the key is known only now, so is the stranger's password."""

    workspace: Workspace
    key: ApiKey
    key_text: str
    stranger_password: str


def engage() -> Cast:
    """Make what is missing, and a fresh key for an hour."""
    workspace = Workspace.objects.get(slug="demo")
    desk = Agent.objects.select_related("current_version__route").get(workspace=workspace, name=DESK)
    if desk.current_version is None:
        raise LookupError("The demo's agent has no version: `make clean-demo` starts afresh.")
    unlucky = _agent(workspace, UNLUCKY, desk.current_version, mail=_unlucky_mail(workspace))
    short = _agent(workspace, SHORT, desk.current_version, step_limit=FEW_STEPS, kinds=LOCAL)
    poor = _agent(workspace, POOR, desk.current_version, route=_priced_route(workspace), budget_usd=LITTLE_MONEY)
    unsteady = _agent(workspace, UNSTEADY, desk.current_version, route=_unsteady_route(workspace))
    agents = (desk, unlucky, short, poor, unsteady)
    for team in Team.objects.filter(workspace=workspace, name__in=["Reviewer", "Finance"]):
        for agent in agents:
            _grant(team, agent)
    issued = admit_program(
        workspace=workspace,
        name=PROGRAM,
        owner=User.objects.get(email=seed.address("owner")),
        agents=agents,
        expires_at=timezone.now() + timedelta(hours=1),
        by=CAST,
    )
    _let_read(workspace)
    return Cast(workspace, issued.key, issued.text, _stranger())


def dismiss(cast: Cast) -> None:
    """Make the key useless."""
    keys.revoke_key(key=cast.key, by=CAST)


def _unlucky_mail(workspace: Workspace) -> Tool:
    """Return a mail tool that leads to the story's own server, which breaks off after it has taken a message."""
    config = {"host": "127.0.0.1", "port": int(os.environ["DEMO_STORY_PORT"]), "security": "none"}
    connection = ensure_connection(
        workspace=workspace, name="story-mail", kind="smtp", config=config, secret={}, by=CAST
    )
    return save_tool(
        workspace=workspace,
        name="mail.story",
        title="Send e-mail by a server that breaks off",
        description="Send a plain e-mail to one customer. It cannot be taken back.",
        connection=connection,
        operation_name="mail.send",
        options={"from": seed.SENDER},
        by=CAST,
    )


def _priced_route(workspace: Workspace) -> ModelRoute:
    """Return a route to the story's own server, which stands in for a model whose price is listed."""
    return _route(workspace, "story", {"provider": "anthropic-messages", "model": MODEL, "base_url": _own_server()})


def _unsteady_route(workspace: Workspace) -> ModelRoute:
    """Return a route to the story's own server, which speaks Chat Completions and fails as it is told."""
    endpoint = {"provider": "openai-chat", "model": UNSTEADY_MODEL, "base_url": f"{_own_server()}/v1"}
    return _route(workspace, "story-unsteady", {**endpoint, "deadline_seconds": PATIENCE})


def _own_server() -> str:
    return f"http://127.0.0.1:{os.environ['DEMO_STORY_PORT']}"


def _route(workspace: Workspace, name: str, endpoint: dict[str, Any]) -> ModelRoute:
    ensure_connection(
        workspace=workspace, name="story-model", kind="model", config={}, secret={"api_key": "none"}, by=CAST
    )
    return save_route(workspace=workspace, name=name, endpoints=[{**endpoint, "connection": "story-model"}], by=CAST)


def _let_read(workspace: Workspace) -> None:
    """Let the program's runs search the handbook, as those of people may."""
    team = Team.objects.get(workspace=workspace, name=PROGRAM)
    for collection in Collection.objects.filter(workspace=workspace, name=HANDBOOK):
        if not CollectionGrant.objects.filter(group=team.group_id, content_object=collection).exists():
            teams.grant(team=team, codename="view_collection", target=collection, by=CAST)


def _agent(
    workspace: Workspace,
    name: str,
    like: AgentVersion,
    *,
    mail: Tool | None = None,
    route: ModelRoute | None = None,
    step_limit: int | None = None,
    budget_usd: Decimal | None = None,
    kinds: frozenset[str] | None = None,
) -> Agent:
    """Return an agent that differs from the desk's in its tools, its route or its limits."""
    present = Agent.objects.filter(workspace=workspace, name=name).first()
    if present is not None:
        return present
    agent = create_agent(workspace=workspace, name=name, title=name.replace("-", " ").capitalize(), by=CAST)
    tools = [tool for tool in like.tools.select_related("connection") if _leads_to(tool, kinds)]
    if mail is not None:
        tools = [mail if tool.operation == mail.operation else tool for tool in tools]
    publish_version(
        agent=agent,
        goal=like.goal,
        route=route or like.route,
        tools=tools,
        step_limit=step_limit or like.step_limit,
        budget_usd=budget_usd,
        subject=like.subject,
        collections=list(like.collections.order_by("name")),
        by=CAST,
    )
    return agent


def _leads_to(tool: Tool, kinds: frozenset[str] | None) -> bool:
    return kinds is None or (tool.connection is not None and tool.connection.kind in kinds)


def _grant(team: Team, agent: Agent) -> None:
    if not AgentGrant.objects.filter(group=team.group_id, content_object=agent).exists():
        for right in seed.WORKING:
            teams.grant(team=team, codename=right, target=agent, by=CAST)


def _stranger() -> str:
    """Make a person of another workspace, or give them a new password; return it."""
    password = token_urlsafe(18)
    stranger = User.objects.filter(email=STRANGER).first()
    if stranger is None:
        stranger = User.objects.create_user(STRANGER, password, name="Stranger")
        people.create_workspace(name="Another company", slug="story-elsewhere", owner=stranger, by=CAST)
    else:
        stranger.set_password(password)
        stranger.save(update_fields=["password"])
    return password
