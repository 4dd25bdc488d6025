"""Pausing and releasing any scope: here every kind of scope is known, so here the person's right on it is checked."""

from uuid import UUID

from django.db.models import Q, QuerySet

from agents.models import Agent, Run
from tools.models import Connection, Tool
from workspaces.access import check_owner, owned_workspaces
from workspaces.errors import Forbidden, NotFound
from workspaces.models import Pause, ScopeKind, User, Workspace
from workspaces.models.pause import PauseQuerySet
from workspaces.operations import pauses

CONTROL = "control_agent"
OWNER = "owner"


def pause_scope(
    *, workspace: Workspace, scope_kind: str, scope_id: UUID, reason: str, by: User, allows_repair: bool = False
) -> Pause:
    """Forbid new effects in a workspace, agent, run, tool or connection of this workspace until it is released.

    Raise ``NotFound`` for what is not there for this person, ``Forbidden``, ``InvalidInput``, and ``StaleState`` where
    it is paused already.
    """
    right = _right_on(workspace, scope_kind, scope_id, by)
    return pauses.pause(
        workspace=workspace,
        scope_kind=scope_kind,
        scope_id=scope_id,
        reason=reason,
        allows_repair=allows_repair,
        by=by,
        right=right,
    )


def release_pause(*, pause: Pause, by: User) -> None:
    """End a pause; whoever may pause the scope may release it. Raise ``StaleState`` where it was released before."""
    right = _right_on(pause.workspace, pause.scope_kind, pause.scope_id, by)
    pauses.release(pause=pause, by=by, right=right)


def visible_pauses(user: User, workspace: Workspace) -> PauseQuerySet:
    """Return the pauses over what ``user`` may see: the workspace itself, their agents and runs; owners see all."""
    agents = Agent.objects.visible_to(user).filter(workspace=workspace)
    runs = Run.objects.visible_to(user).filter(workspace=workspace)
    return Pause.objects.filter(workspace=workspace).filter(
        Q(scope_kind=ScopeKind.WORKSPACE)
        | Q(scope_kind=ScopeKind.AGENT, scope_id__in=agents.values("id"))
        | Q(scope_kind=ScopeKind.RUN, scope_id__in=runs.values("id"))
        | Q(workspace_id__in=owned_workspaces(user))
    )


def _right_on(workspace: Workspace, scope_kind: str, scope_id: UUID, by: User) -> str:
    if scope_kind == ScopeKind.AGENT:
        seen, controlled = Agent.objects.visible_to(by), Agent.objects.controllable_by(by)
        return _control(seen.filter(workspace=workspace), controlled, scope_kind, scope_id)
    if scope_kind == ScopeKind.RUN:
        seen_runs, controlled_runs = Run.objects.visible_to(by), Run.objects.controllable_by(by)
        return _control(seen_runs.filter(workspace=workspace), controlled_runs, scope_kind, scope_id)
    check_owner(by, workspace, f"pause and release a {scope_kind}")
    kinds: dict[str, QuerySet[Tool] | QuerySet[Connection]] = {
        ScopeKind.TOOL: Tool.objects.all(),
        ScopeKind.CONNECTION: Connection.objects.all(),
    }
    rows = kinds.get(scope_kind)
    if rows is not None and not rows.filter(pk=scope_id, workspace=workspace).exists():
        raise NotFound(f"There is no such {scope_kind}.")
    return OWNER


def _control(
    seen: QuerySet[Agent] | QuerySet[Run], controlled: QuerySet[Agent] | QuerySet[Run], kind: str, row_id: UUID
) -> str:
    if not seen.filter(pk=row_id).exists():
        raise NotFound(f"There is no such {kind}.")
    if not controlled.filter(pk=row_id).exists():
        raise Forbidden(f"You may not pause or release this {kind}.", "Ask an owner to grant it to your team.")
    return CONTROL
