"""What one model call was told, part by part, each with its trust: the texts behind a step of a run's page."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.console.found import run_or_404
from agents.memories import context_seen
from agents.models import Run, Step
from agents.states import StepKind
from workspaces.console.links import run_url
from workspaces.console.listing import page_of
from workspaces.console.told_shapes import ToldPage, ToldRow


@require_safe
def show(request: HttpRequest, run_id: UUID, step_id: UUID) -> HttpResponse:
    """Show what a model step of a run was told."""
    run = run_or_404(request, run_id)
    seen = context_seen(_step_or_404(run, step_id))
    found, pager = page_of(request, list(enumerate(seen["parts"])))
    page = ToldPage(
        title="What the model was told",
        back_url=f"{run_url(run.id)}#item-{step_id}",
        back=run.title,
        tokens=sum(part["tokens"] for part in seen["parts"]),
        limits=", ".join(f"{source} {most:,}" for source, most in seen["budgets"].items()),
        rows=[_row(place, part) for place, part in found],
        pager=pager,
    )
    return render(request, "agents/told.html", {"page": page})


def _step_or_404(run: Run, step_id: UUID) -> Step:
    rows = run.steps.filter(kind=StepKind.MODEL).select_related("run__version", "run__session", "run__overlay")
    step = rows.filter(pk=step_id).first()
    if step is None:
        raise Http404
    return step


def _row(place: int, part: dict[str, Any]) -> ToldRow:
    return ToldRow(
        key=f"part-{place}",
        part=part["label"],
        trust=part["trust"],
        tokens=part["tokens"],
        text=part["text"],
        shortened=part["cut"],
    )
