"""What can be done to a run, each a POST to one operation: cancel, pause, release, roll back."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from agents.console.found import run_or_404, runs_of
from agents.console.rollback_page import preview_of
from agents.console.run_page import may_control
from agents.console.stopping import let_go, stop
from agents.models import Run
from agents.operations import cancel_run, confirm_rollback, preview_rollback, retry_step
from agents.states import RunKind
from workspaces.console.asking import person_of
from workspaces.console.links import run_url
from workspaces.console.once import once
from workspaces.errors import NotFound
from workspaces.models import ScopeKind


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Cancel a run, and have its rollback prepared where that is wished."""
    run = run_or_404(request, run_id)
    wish = request.POST.get("roll_back") == "true"
    led_to = once(request, lambda: run_url(cancel_run(run_id=run.id, by=person_of(request), roll_back=wish).id))
    run.refresh_from_db(fields=["status"])
    messages.success(request, "The run is cancelled." if run.is_terminal else "The run stops at its next boundary.")
    return redirect(led_to)


@require_POST
def retry(request: HttpRequest, run_id: UUID) -> HttpResponseRedirect:
    """Go on with a failed run at its last step."""
    run = run_or_404(request, run_id)
    last = run.steps.order_by("-number").first()
    if last is None:
        raise Http404
    led_to = once(request, lambda: run_url(retry_step(run_id=run.id, step_id=last.id, by=person_of(request)).id))
    messages.success(request, "The run goes on where it failed.")
    return redirect(led_to)


@require_POST
def pause(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Pause a run."""
    run = run_or_404(request, run_id)
    said = "The run is paused: nothing new starts in it."
    return stop(request, ScopeKind.RUN, run.id, back=run_url(run.id), said=said)


@require_POST
def release(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Release the pause of a run."""
    run = run_or_404(request, run_id)
    return let_go(request, run.id, back=run_url(run.id), said="The run goes on.")


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
    seen = request.POST.get("digest", "")
    led_to = once(
        request, lambda: run_url(confirm_rollback(rollback_id=run.id, plan_digest=seen, by=person_of(request)).id)
    )
    messages.success(request, "The rollback has begun; its report appears here.")
    return redirect(led_to)
