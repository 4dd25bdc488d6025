"""Pauses: what is stopped, by whom and why; stopping and releasing."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, Model, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from agents.console.stopping import stop
from agents.models import Agent, Run
from agents.operations.pausing import release_pause, visible_pauses
from tools.models import Action, Connection, Tool
from workspaces.access import role_in
from workspaces.console.asking import person_of, way_back
from workspaces.console.links import run_url, subject_url
from workspaces.console.once import once
from workspaces.console.run_shapes import InFlight
from workspaces.console.shapes import PauseRow
from workspaces.errors import NotFound
from workspaces.models import Pause, Role, ScopeKind, User, Workspace
from workspaces.tenancy import workspace_of

MAX_SHOWN: Final = 100
MAX_IN_FLIGHT: Final = 50
NAMES: Final[dict[str, tuple[type[Model], str]]] = {
    ScopeKind.AGENT: (Agent, "title"),
    ScopeKind.RUN: (Run, "title"),
    ScopeKind.TOOL: (Tool, "title"),
    ScopeKind.CONNECTION: (Connection, "name"),
}


def live_pauses(user: User, workspace: Workspace) -> list[PauseRow]:
    """Return the live pauses over what ``user`` may see, the workspace's own first, without ways to release them."""
    found = _live(user, workspace)
    names = _names(found, workspace)
    return [_row(pause, names) for pause in found]


@require_safe
def pauses_page(request: HttpRequest) -> HttpResponse:
    """Show everything that is paused here, and what was in flight."""
    user, workspace = person_of(request), workspace_of(request)
    found = _live(user, workspace)
    names, mine = _names(found, workspace), _releasable(user, workspace, found)
    owner = role_in(user, workspace.id) == Role.OWNER
    context = {
        "pauses": [_row(pause, names, released_by_you=pause.id in mine) for pause in found],
        "in_flight": in_flight(user, workspace, found),
        "pause_url": _pause_url(workspace) if owner and not _is_stopped(found) else "",
    }
    return render(request, "workspaces/pauses.html", context)


@require_POST
def pause(request: HttpRequest, scope_kind: str, scope_id: UUID) -> HttpResponse:
    """Stop everything new in one scope."""
    back = way_back(request, reverse("pauses:list"))
    said = f"Paused this {scope_kind}. Nothing new takes effect in it until it is released."
    return stop(request, scope_kind, scope_id, back=back, said=said)


@require_POST
def release(request: HttpRequest, pause_id: UUID) -> HttpResponse:
    """Let things go on."""
    user, workspace = person_of(request), workspace_of(request)
    found = visible_pauses(user, workspace).filter(pk=pause_id).select_related("workspace").first()
    if found is None:
        raise NotFound("There is no such pause here.", "It may have been removed; look at what is paused now.")

    def let() -> str:
        release_pause(pause=found, by=user)
        return way_back(request, reverse("pauses:list"))

    led_to = once(request, let)
    messages.success(request, f"Released. This {found.scope_kind} goes on where it stopped.")
    return redirect(led_to)


def in_flight(user: User, workspace: Workspace, pauses: Iterable[Pause]) -> list[InFlight]:
    """Return the actions under the given pauses that had left, as far as ``user`` may see their runs."""
    scopes = [pause.scope_id for pause in pauses]
    if not scopes:
        return []
    seen = Run.objects.visible_to(user).filter(workspace=workspace)
    rows = Action.objects.in_flight().filter(workspace=workspace, scopes__overlap=scopes, run_id__in=seen.values("id"))
    return [
        InFlight(title=row.tool.title, status=row.status, since=row.created_at, url=run_url(row.run_id))
        for row in rows.select_related("tool").order_by("created_at")[:MAX_IN_FLIGHT]
    ]


def _live(user: User, workspace: Workspace) -> list[Pause]:
    first = Case(When(scope_kind=ScopeKind.WORKSPACE, then=Value(0)), default=Value(1))
    rows = visible_pauses(user, workspace).live().select_related("created_by")
    return list(rows.order_by(first, "-created_at")[:MAX_SHOWN])


def _names(pauses: Iterable[Pause], workspace: Workspace) -> dict[UUID, str]:
    """Return the names of the paused scopes, with one statement for each kind that there is."""
    names = {workspace.id: workspace.name}
    for kind, (model, field) in NAMES.items():
        if ids := [pause.scope_id for pause in pauses if pause.scope_kind == kind]:
            rows: QuerySet[Any] = model._default_manager.filter(pk__in=ids, workspace=workspace)
            names.update(rows.values_list("id", field))
    return names


def _releasable(user: User, workspace: Workspace, pauses: Iterable[Pause]) -> set[UUID]:
    """Return the ids of the pauses that ``user`` may release."""
    if role_in(user, workspace.id) == Role.OWNER:
        return {pause.id for pause in pauses}
    scopes = [pause.scope_id for pause in pauses]
    mine = {*Agent.objects.controllable_by(user).filter(pk__in=scopes).values_list("id", flat=True)}
    mine |= {*Run.objects.controllable_by(user).filter(pk__in=scopes).values_list("id", flat=True)}
    return {pause.id for pause in pauses if pause.scope_id in mine}


def _row(pause: Pause, names: dict[UUID, str], *, released_by_you: bool = False) -> PauseRow:
    return PauseRow(
        scope=pause.scope_kind,
        label=names.get(pause.scope_id, str(pause.scope_id)),
        by=str(pause.created_by),
        at=pause.created_at,
        reason=pause.reason,
        repair_allowed=pause.allows_repair,
        release_url=reverse("pauses:release", args=[pause.id]) if released_by_you else "",
        url=subject_url(pause.scope_kind, str(pause.scope_id)),
    )


def _is_stopped(pauses: Iterable[Pause]) -> bool:
    return any(pause.scope_kind == ScopeKind.WORKSPACE for pause in pauses)


def _pause_url(workspace: Workspace) -> str:
    return reverse("pauses:pause", args=[ScopeKind.WORKSPACE, workspace.id])
