"""Who and what the crash test plays with: a company with an owner and two reviewers, the demo's desk, the tickets."""

import re
from dataclasses import dataclass
from typing import Final

from config.chaos.outside import HOST, Outside
from config.demo.desk import Desk, build_desk
from workspaces.actors import System
from workspaces.models import Role, User
from workspaces.operations import people, teams

SETUP: Final = System("chaos")
REVIEWERS: Final = ("reviewer", "finance")
ADDRESS: Final = re.compile(r"customer-(\d+)@")


@dataclass(frozen=True)
class Stage:
    """The desk and its people."""

    desk: Desk
    owner: User
    reviewers: list[User]


def set_the_stage(outside: Outside, customers: int) -> Stage:
    """Make the company, its rights, its desk and a customer for each ticket."""
    outside.admit(customers)
    owner = _person("owner")
    workspace = people.create_workspace(name="Chaos", slug="chaos", owner=owner, by=SETUP)
    crm = {name: getattr(outside.crm, name) for name in ("host", "port", "database", "user", "sslmode")}
    desk = build_desk(
        workspace=workspace,
        crm=crm,
        crm_secret={"password": outside.crm.password},
        mail={"host": HOST, "port": outside.smtp_port, "security": "none"},
        sender="support@chaos.example",
        endpoints=[{"provider": "demo", "model": "demo-planner"}],
        by=SETUP,
    )
    reviewers = [_person(name) for name in REVIEWERS]
    for user in reviewers:
        people.add_member(workspace=workspace, user=user, role=Role.MEMBER, by=SETUP)
        team = teams.create_team(workspace=workspace, name=user.name, by=SETUP)
        teams.add_to_team(team=team, user=user, by=SETUP)
        teams.grant(team=team, codename="decide_reviewqueue", target=desk.queue, by=SETUP)
        for right in ("view_agent", "control_agent"):
            teams.grant(team=team, codename=right, target=desk.agent, by=SETUP)
    return Stage(desk, owner, reviewers)


def ticket(number: int) -> str:
    """Return the text of one ticket; each is about a customer of its own."""
    return f"Please upgrade customer-{number}@chaos.example to tier gold."


def number_of(text: str) -> int:
    """Return which ticket a text comes from."""
    found = ADDRESS.search(text)
    return int(found[1]) if found else 0


def _person(name: str) -> User:
    return User.objects.create_user(f"{name}@chaos.example", None, name=name.title())
