"""Whether somebody may change a workspace itself, and the ledger line of what they did to it."""

from typing import Any
from uuid import UUID

from audit.ledger.recording import record
from workspaces.access import check_owner
from workspaces.actors import Actor, System, actor_text
from workspaces.errors import InvalidInput
from workspaces.models import Membership, User, Workspace


def require_owner(by: Actor, workspace: Workspace, what: str) -> None:
    """Raise unless ``by`` owns the workspace or is a part of Countersign itself."""
    if not isinstance(by, System):
        check_owner(by, workspace, what)


def lock(workspace: Workspace) -> None:
    """Let one change of the workspace's people happen at a time, until the transaction ends."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)


def is_member(user: User, workspace: Workspace) -> bool:
    """Say whether ``user`` is enabled and belongs to the workspace."""
    return Membership.objects.filter(workspace=workspace, user=user, user__is_active=True).exists()


def note(workspace_id: UUID, by: Actor, verb: str, subject: tuple[str, UUID], **body: Any) -> None:
    """Record what was done, within the transaction that did it."""
    record(workspace_id=workspace_id, actor=actor_text(by), verb=verb, subject=subject, body=body)


def named(name: str, what: str, longest: int) -> str:
    """Return ``name`` without blanks around it; raise where it is empty, too long or holds control characters."""
    found = name.strip()
    if not found:
        raise InvalidInput(f"The {what} is empty.", f"Give it a {what}.")
    if len(found) > longest or not found.isprintable():
        raise InvalidInput(f"The {what} has at most {longest} characters, on one line.", f"Shorten the {what}.")
    return found
