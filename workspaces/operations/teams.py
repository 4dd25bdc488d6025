"""Teams, and the rights on single objects that are granted to them."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from guardian.models import GroupObjectPermission
from guardian.utils import get_group_obj_perms_model

from workspaces.actors import Actor
from workspaces.errors import InvalidInput, NotFound, StaleState
from workspaces.ids import uuid7
from workspaces.models import Team, User, Workspace
from workspaces.operations.authority import is_member, lock, named, note, require_owner


def create_team(*, workspace: Workspace, name: str, by: Actor) -> Team:
    """Create an empty team without rights; raise ``StaleState`` where the name is taken."""
    require_owner(by, workspace, "create teams")
    title = named(name, "name", 80)
    with transaction.atomic():
        lock(workspace)
        if Team.objects.filter(workspace=workspace, name=title).exists():
            raise StaleState(f"There is a team {title} already.", "Use it, or choose another name.")
        team_id = uuid7()
        group = Group.objects.create(name=f"team:{team_id}")
        team = Team.objects.create(id=team_id, workspace=workspace, name=title, group=group)
        note(workspace.id, by, "team.created", ("team", team.id))
    return team


def add_to_team(*, team: Team, user: User, by: Actor) -> None:
    """Put a member of the workspace into one of its teams."""
    require_owner(by, team.workspace, "change its teams")
    with transaction.atomic():
        lock(team.workspace)
        if not is_member(user, team.workspace):
            raise NotFound(f"There is no such person in {team.workspace.name}.", "Add them to the workspace first.")
        if user.groups.filter(pk=team.group_id).exists():
            raise StaleState(f"{user} is in {team.name} already.")
        user.groups.add(team.group_id)
        note(team.workspace_id, by, "team.member_added", ("team", team.id), user=user.id)


def remove_from_team(*, team: Team, user: User, by: Actor) -> None:
    """Take somebody out of a team; they lose the team's rights at once."""
    require_owner(by, team.workspace, "change its teams")
    with transaction.atomic():
        lock(team.workspace)
        if not user.groups.filter(pk=team.group_id).exists():
            raise StaleState(f"{user} is not in {team.name}.")
        user.groups.remove(team.group_id)
        note(team.workspace_id, by, "team.member_removed", ("team", team.id), user=user.id)


def grant(*, team: Team, codename: str, target: models.Model, by: Actor) -> None:
    """Give a team the right ``codename`` on one object of its own workspace.

    Raise ``NotFound`` for an object of another workspace, ``InvalidInput`` for a right that the object does not have,
    and ``StaleState`` where the team has it already.
    """
    require_owner(by, team.workspace, "grant rights")
    right = _right(team, codename, target)
    with transaction.atomic():
        _, created = _grants(target).get_or_create(group_id=team.group_id, permission=right, content_object=target)
        if not created:
            raise StaleState(f"{team.name} has the right {codename} already.")
        note(team.workspace_id, by, "team.granted", ("team", team.id), **_about(codename, target))


def revoke(*, team: Team, codename: str, target: models.Model, by: Actor) -> None:
    """Take a right on one object from a team; errors are those of :func:`grant`."""
    require_owner(by, team.workspace, "revoke rights")
    right = _right(team, codename, target)
    with transaction.atomic():
        gone, _ = _grants(target).filter(group_id=team.group_id, permission=right, content_object_id=target.pk).delete()
        if not gone:
            raise StaleState(f"{team.name} does not have the right {codename}.")
        note(team.workspace_id, by, "team.revoked", ("team", team.id), **_about(codename, target))


def _grants(target: models.Model) -> "models.Manager[Any]":
    model = get_group_obj_perms_model(target)
    if model is GroupObjectPermission:
        raise InvalidInput(f"Rights are not granted on a single {type(target)._meta.verbose_name}.")
    manager: models.Manager[Any] = model._default_manager
    return manager


def _right(team: Team, codename: str, target: models.Model) -> Permission:
    """Return the permission row; only viewing and the model's own rights are granted object by object."""
    meta = type(target)._meta
    if getattr(target, "workspace_id", None) != team.workspace_id:
        raise NotFound(
            f"There is no such {meta.verbose_name} in {team.workspace.name}.",
            "Grant rights to a team of the workspace that the object belongs to.",
        )
    _grants(target)
    known = [f"view_{meta.model_name}", *(name for name, _ in meta.permissions)]
    if codename not in known:
        raise InvalidInput(f"{codename} is no right on a {meta.verbose_name}.", f"Choose one of {', '.join(known)}.")
    kind = ContentType.objects.get_for_model(type(target))
    return Permission.objects.get(content_type=kind, codename=codename)


def _about(codename: str, target: models.Model) -> dict[str, Any]:
    return {"right": codename, "type": str(target._meta.model_name), "id": str(target.pk)}
