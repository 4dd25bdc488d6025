"""How a program gets in: its service account, the agents that it may work with, and a key, in one go."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from agents.models import Agent, AgentGrant
from workspaces.actors import Actor
from workspaces.errors import StaleState
from workspaces.models import Team, User, Workspace
from workspaces.operations import keys, teams
from workspaces.operations.authority import require_owner
from workspaces.operations.keys import IssuedKey

WORKING = ("view_agent", "start_agent", "control_agent")
"""What working with an agent takes: reading its runs, giving it tasks, stopping and rolling back."""


def admit_program(
    *,
    workspace: Workspace,
    name: str,
    owner: User,
    agents: Iterable[Agent],
    by: Actor,
    scopes: Iterable[str] | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key of the service account ``name``, which may then give tasks to ``agents``, watch and control them.

    ``scopes`` narrow the key. Account and team of this name are made where they are missing. The key's text is returned
    here and never again.
    Raise ``StaleState`` where the name belongs to a program of somebody else, or to a team of other people.
    """
    require_owner(by, workspace, "admit programs")
    with transaction.atomic():
        account = _account(workspace, name, owner, by)
        team = _team(workspace, account, by)
        for agent in agents:
            _let_work(team, agent, by)
        return keys.issue_key(
            workspace=workspace, account=account, name=name, scopes=scopes, expires_at=expires_at, by=by
        )


def _account(workspace: Workspace, name: str, owner: User, by: Actor) -> User:
    present = User.objects.filter(is_service=True, name=name, memberships__workspace=workspace).first()
    if present is None:
        return keys.create_service_account(workspace=workspace, name=name, owner=owner, by=by)
    if present.owner_id != owner.id:
        raise StaleState(
            f"There is a service account {name} already, for which {present.owner} answers.",
            "Choose another name, or name that person as the owner.",
        )
    return present


def _team(workspace: Workspace, account: User, by: Actor) -> Team:
    """Return the account's own team; a team of the same name that the account is not in is none of its business."""
    own = Team.objects.filter(workspace=workspace, name=account.name, group__user=account).first()
    if own is not None:
        return own
    team = teams.create_team(workspace=workspace, name=account.name, by=by)
    teams.add_to_team(team=team, user=account, by=by)
    return team


def _let_work(team: Team, agent: Agent, by: Actor) -> None:
    held = AgentGrant.objects.filter(group=team.group_id, content_object=agent)
    names = set(held.values_list("permission__codename", flat=True))
    for right in WORKING:
        if right not in names:
            teams.grant(team=team, codename=right, target=agent, by=by)
