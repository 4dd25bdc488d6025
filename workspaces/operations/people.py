"""Workspaces and who belongs to them."""

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify

from workspaces.access import role_in
from workspaces.actors import Actor, System
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.models import Membership, Role, User, Workspace
from workspaces.operations.authority import lock, named, note, require_owner


def create_workspace(*, name: str, by: Actor, slug: str = "", owner: User | None = None) -> Workspace:
    """Create a workspace that ``owner`` (else ``by``) owns; raise ``InvalidInput`` where its slug is taken."""
    holder = owner if isinstance(by, System) else by
    if holder is None or holder.is_service or not holder.is_active:
        raise InvalidInput("A workspace is owned by an active person.", "Name a person as its owner.")
    title = named(name, "name", 120)
    address = slug or slugify(title)[:60]
    if not address:
        raise InvalidInput("No address can be made of this name.", "Give a slug of letters, digits and hyphens.")
    with transaction.atomic():
        try:
            with transaction.atomic():
                workspace = Workspace.objects.create(name=title, slug=address)
        except IntegrityError as error:
            raise InvalidInput(f"The slug {address} is taken.", "Choose another.") from error
        Membership.objects.create(workspace=workspace, user=holder, role=Role.OWNER)
        note(workspace.id, by, "workspace.created", ("workspace", workspace.id), owner=holder.id)
    return workspace


def add_member(*, workspace: Workspace, user: User, by: Actor, role: str = Role.MEMBER) -> Membership:
    """Let ``user`` into the workspace; raise ``StaleState`` where they are in already."""
    require_owner(by, workspace, "add people to it")
    if user.is_service:
        raise InvalidInput("A service account belongs to one workspace.", "Create another one here.")
    _check_role(user, role)
    with transaction.atomic():
        lock(workspace)
        if Membership.objects.filter(workspace=workspace, user=user).exists():
            raise StaleState(f"{user} already belongs to {workspace.name}.", "Change their role instead.")
        membership = Membership.objects.create(workspace=workspace, user=user, role=role)
        note(workspace.id, by, "member.added", ("user", user.id), role=str(role))
    return membership


def change_role(*, workspace: Workspace, user: User, role: str, by: Actor) -> Membership:
    """Give a member another role; the last owner keeps theirs."""
    require_owner(by, workspace, "change people's roles")
    _check_role(user, role)
    with transaction.atomic():
        lock(workspace)
        membership = _membership(workspace, user)
        if membership.role == role:
            raise StaleState(f"{user} already has the role {role}.")
        _keep_an_owner(workspace, user)
        old, membership.role = membership.role, role
        membership.save(update_fields=["role"])
        note(workspace.id, by, "member.role_changed", ("user", user.id), before=str(old), after=str(role))
    return membership


def remove_member(*, workspace: Workspace, user: User, by: Actor) -> None:
    """Take a member out of the workspace and of all its teams; the last owner stays."""
    if by != user:
        require_owner(by, workspace, "remove people from it")
    with transaction.atomic():
        lock(workspace)
        membership = _membership(workspace, user)
        _keep_an_owner(workspace, user)
        user.groups.remove(*Group.objects.filter(team__workspace=workspace))
        membership.delete()
        note(workspace.id, by, "member.removed", ("user", user.id))


def disable_user(*, user: User, by: Actor) -> None:
    """Keep ``user`` out everywhere from the next request on; what they did stays. Their sessions are over for good.

    Allowed to whoever owns every workspace that the user belongs to. The last owner of a workspace cannot be disabled.
    """
    with transaction.atomic():
        workspaces = governed(user, by, "disabled")
        for workspace in workspaces:
            _keep_an_owner(workspace, user)
        changes = {"is_active": False, "session_epoch": F("session_epoch") + 1}
        if not User.objects.filter(pk=user.pk, is_active=True).update(**changes):
            raise StaleState(f"{user} is disabled already.")
        user.refresh_from_db(fields=["is_active", "session_epoch"])
        for workspace in workspaces:
            note(workspace.id, by, "user.disabled", ("user", user.id))


def enable_user(*, user: User, by: Actor) -> None:
    """Let a disabled ``user`` in again, with the teams and rights they had; they sign in anew."""
    with transaction.atomic():
        workspaces = governed(user, by, "enabled")
        if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
            raise StaleState(f"{user} is not disabled.")
        user.is_active = True
        for workspace in workspaces:
            note(workspace.id, by, "user.enabled", ("user", user.id))


def governed(user: User, by: Actor, done: str) -> list[Workspace]:
    """Lock the workspaces that ``user`` belongs to and return them; raise unless ``by`` owns every one."""
    workspaces = list(Workspace.objects.of(user).order_by("id"))
    for workspace in workspaces:
        lock(workspace)
    if isinstance(by, System):
        return workspaces
    roles = [role_in(by, workspace.id) for workspace in workspaces]
    if not any(roles):
        raise NotFound("There is no such person in your workspaces.")
    if any(role != Role.OWNER for role in roles):
        raise Forbidden(
            f"{user} can be {done} only by somebody who owns every workspace that they belong to.",
            "Take them out of your workspace instead, or ask whoever runs this installation.",
        )
    return workspaces


def _membership(workspace: Workspace, user: User) -> Membership:
    found = Membership.objects.filter(workspace=workspace, user=user).first()
    if found is None:
        raise NotFound(f"There is no such person in {workspace.name}.")
    return found


def _check_role(user: User, role: str) -> None:
    if role not in Role.values:
        raise InvalidInput(f"{role} is no role.", f"Choose one of {', '.join(Role.values)}.")
    if user.is_service and role == Role.OWNER:
        raise InvalidInput("A service account cannot own a workspace.", "Grant its team the rights that it needs.")


def _keep_an_owner(workspace: Workspace, user: User) -> None:
    if role_in(user, workspace.id) != Role.OWNER:
        return
    others = Membership.objects.filter(workspace=workspace, role=Role.OWNER, user__is_active=True).exclude(user=user)
    if not others.exists():
        raise Forbidden(f"{user} is the last owner of {workspace.name}.", "Make somebody else an owner first.")
