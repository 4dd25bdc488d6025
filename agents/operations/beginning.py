"""The lightweight profile: one workspace, two people, one agent that only drafts. All of it can be changed later."""

import secrets
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from agents.models import Agent
from agents.operations.configuring import create_agent, publish_version, save_route
from agents.operations.programs import WORKING
from agents.providers.base import Provider
from approvals.operations import activate_policy, draft_policy, save_queue
from approvals.policies.default import DEFAULT_QUEUE
from approvals.policies.drafts import DRAFT_RULES
from tools.models import Tool
from tools.operations import create_connection, save_tool
from workspaces.actors import Actor
from workspaces.errors import InvalidInput
from workspaces.models import User, Workspace
from workspaces.operations import people, teams

GOAL: Final = (
    "You draft answers to the messages that you are given. Answer in the language of the message, briefly and kindly. "
    "Promise nothing and state nothing that the message does not say; where something is missing, say what. If you "
    "have a tool that sends e-mail, propose the answer as one e-mail to the address that the message names as its "
    "sender; else give the answer as your last words."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """Which model answers, and the key that opens it."""

    provider: str = Provider.DEMO
    model: str = "demo-planner"
    base_url: str = ""
    api_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Through which server e-mail goes that a person has approved, and from whom."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """What there is now; ``passwords`` are those of the accounts that were made, by address, shown this once."""

    workspace: Workspace
    agent: Agent
    passwords: dict[str, str]


def begin_with_drafts(
    *,
    name: str,
    owner: str,
    reviewer: str,
    by: Actor,
    agent_name: str = "drafts",
    goal: str = GOAL,
    thinking: Thinking | None = None,
    mailing: Mailing | None = None,
) -> Begun:
    """Set up a workspace whose one agent drafts: whatever it would change or send waits for a person.

    ``owner`` and ``reviewer`` are addresses; accounts are made where there are none. Nothing is made where anything of
    it is refused.
    """
    if owner.strip().lower() == reviewer.strip().lower():
        raise InvalidInput(
            "Owner and reviewer are two people.", "Nobody decides on what they gave to the agent: name somebody else."
        )
    passwords: dict[str, str] = {}
    with transaction.atomic():
        holder, colleague = (_person(address, passwords) for address in (owner, reviewer))
        workspace = people.create_workspace(name=name, owner=holder, by=by)
        people.add_member(workspace=workspace, user=colleague, by=by)
        agent = _agent(workspace, agent_name, goal, thinking or Thinking(), mailing, by)
        _let_review(workspace, colleague, agent, by)
    return Begun(workspace, agent, passwords)


def _person(address: str, passwords: dict[str, str]) -> User:
    email = address.strip().lower()
    present = User.objects.filter(email=email, is_service=False).first()
    if present is not None:
        return present
    passwords[email] = secrets.token_urlsafe(15)
    return User.objects.create_user(email, passwords[email], name=email.split("@")[0])


def _agent(workspace: Workspace, name: str, goal: str, thinking: Thinking, mailing: Mailing | None, by: Actor) -> Agent:
    rules = draft_policy(workspace=workspace, name="default", title="Drafts only", rules=DRAFT_RULES, by=by)
    activate_policy(version=rules, by=by)
    agent = create_agent(workspace=workspace, name=name, title=name.replace("-", " ").capitalize(), by=by)
    route = save_route(workspace=workspace, name="default", endpoints=[_endpoint(workspace, thinking, by)], by=by)
    tools = [_mail(workspace, mailing, by)] if mailing else []
    publish_version(agent=agent, goal=goal, route=route, tools=tools, by=by)
    return agent


def _endpoint(workspace: Workspace, thinking: Thinking, by: Actor) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"provider": str(thinking.provider), "model": thinking.model}
    if thinking.provider == Provider.DEMO:
        return endpoint
    config = {"base_url": thinking.base_url} if thinking.base_url else {}
    secret = {"api_key": thinking.api_key} if thinking.api_key else {}
    way = create_connection(workspace=workspace, name="model", kind="model", config=config, secret=secret, by=by)
    return {**endpoint, "connection": way.name}


def _mail(workspace: Workspace, mailing: Mailing, by: Actor) -> Tool:
    config = {"host": mailing.host, "port": mailing.port, "security": mailing.security}
    secret = {"username": mailing.username, "password": mailing.password} if mailing.username else {}
    way = create_connection(workspace=workspace, name="mail", kind="smtp", config=config, secret=secret, by=by)
    return save_tool(
        workspace=workspace,
        name="mail.send",
        title="Send e-mail",
        description="Draft one plain e-mail. A person reads it, may change it, and sends it or not.",
        connection=way,
        operation_name="mail.send",
        options={"from": mailing.sender},
        by=by,
    )


def _let_review(workspace: Workspace, reviewer: User, agent: Agent, by: Actor) -> None:
    queue = save_queue(
        workspace=workspace, name=DEFAULT_QUEUE, title="Drafts", is_default=True, editors_may_approve=True, by=by
    )
    team = teams.create_team(workspace=workspace, name="Reviewers", by=by)
    teams.add_to_team(team=team, user=reviewer, by=by)
    teams.grant(team=team, codename="decide_reviewqueue", target=queue, by=by)
    for right in WORKING:
        teams.grant(team=team, codename=right, target=agent, by=by)
