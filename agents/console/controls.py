"""What can be done to a run, each a POST to one operation: cancel, pause, release, roll back."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agents.console.found import run_or_404, runs_of
from agents.console.rollback_page import preview_of
from agents.console.run_page import may_control
from agents.models import Run
from agents.operations import cancel_run, confirm_rollback, preview_rollback
from agents.operations.pausing import pause_scope, release_pause
from agents.states import RunKind
from workspaces.console.asking import person_of
from workspaces.console.links import run_url
from workspaces.errors import NotFound
from workspaces.models import Pause, ScopeKind
from workspaces.tenancy import workspace_of


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Cancel a run."""
    run = cancel_run(run_id=run_or_404(request, run_id).id, by=person_of(request))
    messages.success(request, "The run is cancelled." if run.is_terminal else "The run stops at its next boundary.")
    return redirect(run_url(run.id))


@require_POST
def pause(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Pause a run."""
    run = run_or_404(request, run_id)
    stop(request, ScopeKind.RUN, run.id)
    messages.success(request, "The run is paused: nothing new starts in it.")
    return redirect(run_url(run.id))


@require_POST
def release(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Release the pause of a run."""
    run = run_or_404(request, run_id)
    let_go(request, run.id)
    messages.success(request, "The run goes on.")
    return redirect(run_url(run.id))


def stop(request: HttpRequest, kind: ScopeKind, scope_id: UUID) -> None:
    """Pause one scope of the current workspace for the reason that the form gives."""
    pause_scope(
        workspace=workspace_of(request),
        scope_kind=kind,
        scope_id=scope_id,
        reason=request.POST.get("reason", ""),
        by=person_of(request),
    )


def let_go(request: HttpRequest, scope_id: UUID) -> None:
    """Release the live pause over exactly this scope."""
    live = Pause.objects.live().filter(workspace=workspace_of(request), scope_id=scope_id)
    found = live.select_related("workspace").first()
    if found is None:
        raise NotFound("Nothing is paused here any more.", "Somebody released it before you.")
    release_pause(pause=found, by=person_of(request))


@require_POST
def rollbacks(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Ask the outside systems what rolling back would do now, and lead to the preview. Nothing is changed."""
    run = run_or_404(request, run_id)
    preview = preview_rollback(run_id=run.id, by=person_of(request), action_id=_action(request))
    return redirect("runs:rollback", preview.id)


def _action(request: HttpRequest) -> UUID | None:
    named = request.POST.get("action", "")
    try:
        return UUID(named) if named else None
    except ValueError as error:
        raise NotFound(
            "There is no such effect in this run.", "Load the run again and choose one of its actions."
        ) from error


def _rollback_or_404(request: HttpRequest, run_id: UUID) -> Run:
    rows = runs_of(request).filter(kind=RunKind.ROLLBACK).select_related("agent", "rolls_back")
    found = rows.filter(pk=run_id).first()
    if found is None:
        raise Http404
    return found


@require_safe
def rollback(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show a stored preview."""
    run = _rollback_or_404(request, run_id)
    may = may_control(run, person_of(request))
    return render(request, "agents/rollback_preview.html", {"preview": preview_of(run, may)})


@require_POST
def confirm(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Carry out exactly the preview that the person has read."""
    run = _rollback_or_404(request, run_id)
    confirm_rollback(rollback_id=run.id, plan_digest=request.POST.get("digest", ""), by=person_of(request))
    messages.success(request, "The rollback has begun; its report appears here.")
    return redirect(run_url(run.id))
