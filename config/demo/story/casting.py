"""Who is needed beside the four people of the demo, engaged through the product's own operations, once."""

import os
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe

from django.utils import timezone

from agents.models import Agent, AgentGrant, AgentVersion
from agents.operations import create_agent, publish_version
from config.demo import seed
from config.demo.desk import ensure_connection
from tools.models import Tool
from tools.operations import save_tool
from workspaces.actors import System
from workspaces.models import ApiKey, Membership, Team, User, Workspace
from workspaces.operations import keys, people, teams

CAST = System("story")
DESK = "support-desk"
UNLUCKY = "story-unlucky-mail"
SHORT = "story-short-of-steps"
FEW_STEPS = 2
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
    short = _agent(workspace, SHORT, desk.current_version, step_limit=FEW_STEPS)
    service = _service(workspace)
    for team in Team.objects.filter(workspace=workspace):
        for agent in (desk, unlucky, short):
            _grant(team, agent)
    expires = timezone.now() + timedelta(hours=1)
    issued = keys.issue_key(workspace=workspace, account=service, name="story", expires_at=expires, by=CAST)
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


def _agent(
    workspace: Workspace, name: str, like: AgentVersion, *, mail: Tool | None = None, step_limit: int | None = None
) -> Agent:
    """Return an agent that differs from the desk's in its mail tool or its step limit."""
    present = Agent.objects.filter(workspace=workspace, name=name).first()
    if present is not None:
        return present
    agent = create_agent(workspace=workspace, name=name, title=name.replace("-", " ").capitalize(), by=CAST)
    tools = list(like.tools.all())
    if mail is not None:
        tools = [mail if tool.operation == mail.operation else tool for tool in tools]
    publish_version(
        agent=agent,
        goal=like.goal,
        route=like.route,
        tools=tools,
        step_limit=step_limit or like.step_limit,
        subject=like.subject,
        by=CAST,
    )
    return agent


def _service(workspace: Workspace) -> User:
    """Return the service account, for which the demo's owner answers, in a team of its own."""
    owner = User.objects.get(email=seed.address("owner"))
    found = Membership.objects.filter(workspace=workspace, user__owner=owner, user__name="story").first()
    if found is not None:
        return found.user
    account = keys.create_service_account(workspace=workspace, name="story", owner=owner, by=CAST)
    team = teams.create_team(workspace=workspace, name="Programs", by=CAST)
    teams.add_to_team(team=team, user=account, by=CAST)
    return account


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
