"""Who may reach which rows: workspace roles, and object permissions granted to teams.

There is no superuser short-cut, no global grant, and no right that outlives a membership: each condition below starts
from the person's live memberships.
"""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from workspaces.errors import Forbidden, NotFound
from workspaces.models import Membership, Role, User, Workspace


def owned_workspaces(user: User) -> models.QuerySet[Membership, Any]:
    """Return the ids of the workspaces in which ``user`` has every right."""
    return _memberships(user).filter(role=Role.OWNER).values("workspace_id")


def member_workspaces(user: User) -> models.QuerySet[Membership, Any]:
    """Return the ids of the workspaces that ``user`` is a member of."""
    return _memberships(user).values("workspace_id")


def _memberships(user: User) -> models.QuerySet[Membership]:
    """Return the live memberships; a service account's end with those of the person who answers for it."""
    own = Membership.objects.filter(user_id=user.id, user__is_active=True)
    if not user.is_service:
        return own
    answering = Membership.objects.filter(user_id=user.person_id, user__is_active=True)
    return own.filter(workspace_id__in=answering.values("workspace_id"))


def granted(user: User, grant: type[models.Model], codenames: list[str]) -> Q:
    """Return the condition "``user`` has one of ``codenames`` on this row", by role or by a team's grant.

    ``grant`` is the row's own guardian model (``content_object``, ``group``, ``permission``).
    """
    rows = grant._default_manager.filter(
        permission__codename__in=codenames, group__user=user.id, group__team__isnull=False
    ).values("content_object_id")
    return Q(workspace_id__in=owned_workspaces(user)) | Q(workspace_id__in=member_workspaces(user), pk__in=rows)


def members_of(workspace_id: UUID) -> models.QuerySet[Membership]:
    """Return the live memberships of a workspace: what :func:`_memberships` is to a person."""
    live = Membership.objects.filter(workspace_id=workspace_id, user__is_active=True)
    return live.filter(Q(user__is_service=False) | Q(user__owner_id__in=live.values("user_id")))


def holders(grant: type[models.Model], codenames: list[str], row_id: UUID, workspace_id: UUID) -> Q:
    """Return the condition on people "has one of ``codenames`` on this row": :func:`granted`, seen from the row."""
    members = members_of(workspace_id)
    teams = grant._default_manager.filter(
        permission__codename__in=codenames, content_object_id=row_id, group__team__isnull=False
    ).values("group_id")
    owners = Q(pk__in=members.filter(role=Role.OWNER).values("user_id"))
    in_teams = User.groups.through._default_manager.filter(group_id__in=teams).values("user_id")
    return owners | Q(pk__in=members.values("user_id")) & Q(pk__in=in_teams)


def owners_among(workspace_id: UUID, ids: list[UUID]) -> frozenset[UUID]:
    """Return those of ``ids`` who own the workspace."""
    rows = members_of(workspace_id).filter(role=Role.OWNER, user_id__in=ids)
    return frozenset(rows.values_list("user_id", flat=True))


def role_in(user: User, workspace_id: UUID) -> str | None:
    """Return the person's role in a workspace, None for strangers and for disabled people."""
    return _memberships(user).filter(workspace_id=workspace_id).values_list("role", flat=True).first()


def check_owner(user: User, workspace: Workspace, what: str) -> None:
    """Raise unless ``user`` owns the workspace; strangers learn nothing of its existence."""
    role = role_in(user, workspace.id)
    if role is None:
        raise NotFound("There is no such workspace.")
    if role != Role.OWNER:
        raise Forbidden(f"Only an owner of {workspace.name} may {what}.", "Ask one of its owners.")


def can_read_ledger(user: User, workspace_id: UUID) -> bool:
    """Say whether ``user`` may read the whole ledger: a right of the workspace, for owners and auditors."""
    return role_in(user, workspace_id) in {Role.OWNER, Role.AUDITOR}
