"""Stopping and releasing: rows that forbid new effects in a scope (DESIGN invariant 10)."""

from uuid import UUID

from django.db import IntegrityError, transaction

from workspaces.access import check_owner
from workspaces.database import ClockTimestamp
from workspaces.errors import Forbidden, InvalidInput, StaleState
from workspaces.models import Pause, ScopeKind, User, Workspace
from workspaces.operations.authority import note


def pause(
    *,
    workspace: Workspace,
    scope_kind: str,
    scope_id: UUID,
    reason: str,
    by: User,
    allows_repair: bool = False,
    right: str = "",
) -> Pause:
    """Forbid new effects in one scope until it is released; raise ``StaleState`` where a live pause covers it already.

    The workspace itself is paused by its owners, which is checked here. Agents, runs, tools and connections live on
    higher floors: their own operations find the object in this workspace, check the person's right on it, and name
    that right in ``right``; without one the pause is refused. The ledger keeps the name.
    """
    _check(workspace, scope_kind, scope_id, by, right)
    why = reason.strip()
    if not why or len(why) > 500:
        raise InvalidInput("A pause has a reason of 1 to 500 characters.", "Say why, for those who find it stopped.")
    with transaction.atomic():
        try:
            with transaction.atomic():
                made = Pause.objects.create(
                    workspace=workspace,
                    scope_kind=scope_kind,
                    scope_id=scope_id,
                    reason=why,
                    allows_repair=allows_repair,
                    created_by=by,
                )
        except IntegrityError as error:
            raise StaleState(f"This {scope_kind} is paused already.", "Release that pause first.") from error
        scope = {"kind": str(scope_kind), "id": scope_id}
        note(
            workspace.id, by, "pause.started", ("pause", made.id), scope=scope, allows_repair=allows_repair, right=right
        )
    return made


def release(*, pause: Pause, by: User, right: str = "") -> None:
    """End a pause; rights are those of :func:`pause`, and ``StaleState`` says that somebody released it before."""
    _check(pause.workspace, pause.scope_kind, pause.scope_id, by, right)
    with transaction.atomic():
        ended = Pause.objects.filter(pk=pause.pk, released_at=None).update(released_at=ClockTimestamp(), released_by=by)
        if not ended:
            raise StaleState("This pause was released before.")
        scope = {"kind": str(pause.scope_kind), "id": pause.scope_id}
        note(pause.workspace_id, by, "pause.released", ("pause", pause.id), scope=scope, right=right)
    pause.refresh_from_db(fields=["released_at", "released_by"])


def _check(workspace: Workspace, scope_kind: str, scope_id: UUID, by: User, right: str) -> None:
    if scope_kind not in ScopeKind.values:
        raise InvalidInput(f"{scope_kind} cannot be paused.", f"Choose one of {', '.join(ScopeKind.values)}.")
    if scope_kind == ScopeKind.WORKSPACE:
        if scope_id != workspace.id:
            raise InvalidInput("A workspace is paused under its own id.")
        check_owner(by, workspace, "pause and release it")
    elif not right:
        raise Forbidden(f"You may not pause or release this {scope_kind}.", "Ask an owner of the workspace.")
