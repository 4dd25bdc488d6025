"""The demo company: its people, its support desk, and the model that the environment names."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.models import AgentGrant
from approvals.models import ReviewQueue, ReviewQueueGrant
from config.demo.desk import Desk, build_desk
from config.demo.joining import ensure_connection
from config.demo.till import FINANCE_QUEUE
from config.services.running import var_folder
from memory.models.knowledge import CollectionGrant
from workspaces.actors import System
from workspaces.models import Role, Team, User, Workspace
from workspaces.operations import people, teams

SEED: Final = System("demo")
PASSWORD: Final = "countersign-demo"  # noqa: S105 - it opens the demo only, and is printed for everybody
DOMAIN: Final = "demo.example"
HANDBOOK: Final = Path(__file__).with_name("handbook.md")
SENDER: Final = "support@demo.example"
OPENAI_MODEL: Final = "gpt-5-mini"
ANTHROPIC_MODEL: Final = "claude-sonnet-4-6"
REVIEWING: Final = ["decide_reviewqueue"]
WORKING: Final = ["view_agent", "start_agent", "control_agent"]


@dataclass(frozen=True, slots=True)
class Person:
    """One of the four logins, named by role."""

    name: str
    does: str


PEOPLE: Final = (
    Person("owner", "starts runs and configures; may not decide on what they started"),
    Person("reviewer", "decides on requests, pauses, rolls back"),
    Person("finance", "a second reviewer; has a say of their own about large refunds"),
    Person("member", "belongs to the workspace and has no rights"),
)


def ensure() -> list[str]:
    """Create what is missing of the demo company; return the lines that tell who can sign in."""
    users = {person.name: _person(person.name) for person in PEOPLE}
    workspace = _workspace(users)
    desk = build_desk(
        workspace=workspace,
        **_systems(),
        sender=SENDER,
        endpoints=_endpoints(workspace),
        handbook=HANDBOOK.read_bytes(),
        by=SEED,
    )
    for name in ("reviewer", "finance"):
        _team(workspace, name.title(), users[name], desk)
    _finance_decides(workspace)
    width = max(len(person.name) for person in PEOPLE) + len(DOMAIN) + 1
    return [
        "Sign in with one of these addresses and the password " + PASSWORD + ":",
        *(f"  {address(person.name):<{width}}  {person.does}" for person in PEOPLE),
    ]


def address(name: str) -> str:
    """Return the address with which somebody of the demo signs in."""
    return f"{name}@{DOMAIN}"


def _person(name: str) -> User:
    present = User.objects.filter(email=address(name)).first()
    return present or User.objects.create_user(
        address(name), PASSWORD, name=name.title(), is_staff=name == "owner", is_superuser=name == "owner"
    )


def _workspace(users: dict[str, User]) -> Workspace:
    present = Workspace.objects.filter(slug="demo").first()
    if present is not None:
        return present
    workspace = people.create_workspace(name="Demo company", slug="demo", owner=users["owner"], by=SEED)
    for name, user in users.items():
        if name != "owner":
            people.add_member(workspace=workspace, user=user, role=Role.MEMBER, by=SEED)
    return workspace


def _systems() -> dict[str, Any]:
    """Return where CRM and mail server are, as the earlier stages and the launcher noted."""
    crm = json.loads((var_folder() / "crm.json").read_text())
    return {
        "crm": {name: crm[name] for name in ("host", "port", "database", "user", "sslmode")},
        "crm_secret": {"password": crm["password"]},
        "mail": {"host": "127.0.0.1", "port": int(os.environ["DEMO_SMTP_PORT"]), "security": "none"},
        **_payments(),
    }


def _payments() -> dict[str, Any]:
    """Return where the stand-in for Stripe is and its key; nothing where it is not installed."""
    port = os.environ.get("DEMO_PAYMENTS_PORT")
    if not port:
        return {}
    address = {"base_url": f"http://127.0.0.1:{port}"}
    return {"payments": address, "payments_secret": {"api_key": os.environ["DEMO_PAYMENTS_KEY"]}}


def _endpoints(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the endpoints that the environment's keys allow; the demo planner where there is none."""
    if key := os.environ.get("OPENAI_API_KEY"):
        base_url = os.environ.get("OPENAI_BASE_URL", "")
        provider = "openai-chat" if base_url else "openai-responses"
        model = os.environ.get("OPENAI_MODEL", OPENAI_MODEL)
        return [_model(workspace, "openai", provider, model, base_url, key)]
    if key := os.environ.get("ANTHROPIC_API_KEY"):
        model = os.environ.get("ANTHROPIC_MODEL", ANTHROPIC_MODEL)
        base_url = os.environ.get("ANTHROPIC_BASE_URL", "")
        return [_model(workspace, "anthropic", "anthropic-messages", model, base_url, key)]
    return [{"provider": "demo", "model": "demo-planner"}]


def _model(workspace: Workspace, name: str, provider: str, model: str, base_url: str, key: str) -> dict[str, Any]:
    ensure_connection(
        workspace=workspace,
        name=name,
        kind="model",
        config={"base_url": base_url} if base_url else {},
        secret={"api_key": key},
        by=SEED,
    )
    return {"provider": provider, "model": model, "connection": name}


def _team(workspace: Workspace, name: str, user: User, desk: Desk) -> None:
    """Make a team of one, and grant it the agent and the queue, once."""
    team = Team.objects.filter(workspace=workspace, name=name).first()
    if team is None:
        team = teams.create_team(workspace=workspace, name=name, by=SEED)
        teams.add_to_team(team=team, user=user, by=SEED)
    if not AgentGrant.objects.filter(group=team.group_id).exists():
        for right in WORKING:
            teams.grant(team=team, codename=right, target=desk.agent, by=SEED)
    if desk.handbook and not CollectionGrant.objects.filter(group=team.group_id, content_object=desk.handbook).exists():
        teams.grant(team=team, codename="view_collection", target=desk.handbook, by=SEED)
    if not ReviewQueueGrant.objects.filter(group=team.group_id, content_object=desk.queue).exists():
        for right in REVIEWING:
            teams.grant(team=team, codename=right, target=desk.queue, by=SEED)


def _finance_decides(workspace: Workspace) -> None:
    """Grant the finance team the queue of large refunds, where there is one, once."""
    queue = ReviewQueue.objects.filter(workspace=workspace, name=FINANCE_QUEUE).first()
    team = Team.objects.get(workspace=workspace, name="Finance")
    if queue is not None and not ReviewQueueGrant.objects.filter(group=team.group_id, content_object=queue).exists():
        for right in REVIEWING:
            teams.grant(team=team, codename=right, target=queue, by=SEED)
