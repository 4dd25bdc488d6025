"""What an agent is for one customer, or was for one run, and where each part of that is from."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from agents.console.found import agent_or_404, run_or_404
from agents.effective import Effective, effective, effective_for
from agents.models import Overlay
from workspaces.canonical import sanitise
from workspaces.console.links import agent_url, run_url
from workspaces.console.listing import page_of
from workspaces.console.run_shapes import ConfigurationPage, ConfigurationRow, Filter

WORDS = {
    "route": "Model route",
    "prompt": "Told besides",
    "step_limit": "Steps a run",
    "budget_usd": "US dollars a run",
    "calls_per_turn": "Calls a turn",
    "time_limit_seconds": "Seconds a run",
    "repeat_limit": "Times a call may get the same",
    "answer_limit": "Times the model may say the same",
    "idle_limit": "Turns that may bring nothing new",
}


@require_safe
def of_agent(request: HttpRequest, named: str) -> HttpResponse:
    """Show an agent's configuration for the customer of ``?ref=``; nobody named: for those without an overlay."""
    agent = agent_or_404(request, named)
    kind = str(sanitise(request.GET.get("kind", "")))[:40] or "customer"
    ref = str(sanitise(request.GET.get("ref", "")))[:200].strip()
    version = agent.current_version
    overlay = Overlay.objects.newest(agent.id, kind, ref) if ref else None
    found, pager = page_of(request, agent.overlays.order_by("-id"))
    here = reverse("agents:effective", args=[agent.id])
    page = ConfigurationPage(
        title=f"{agent.title} for {kind} {ref}" if ref else f"{agent.title} for everybody else",
        back_url=agent_url(agent.id),
        back=agent.title,
        note=_note(overlay, kind, ref),
        rows=_rows(effective(version, overlay)) if version else (),
        filters=[Filter(name="kind", label="Kind", value=kind), Filter(name="ref", label="Customer’s id", value=ref)],
        clear_url=here if ref else "",
        overlays=[(str(one), one.created_at, _asking(here, one)) for one in found],
        pager=pager,
    )
    return render(request, "agents/effective.html", {"page": page})


@require_safe
def of_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the configuration that a run has: its version, and the overlay that it took."""
    run = run_or_404(request, run_id)
    page = ConfigurationPage(
        title="What this run may do",
        back_url=run_url(run.id),
        back=run.title,
        note=f"It took the {run.overlay.label}." if run.overlay else "No overlay holds for it.",
        rows=_rows(effective_for(run)),
    )
    return render(request, "agents/effective.html", {"page": page})


def _asking(here: str, overlay: Overlay) -> str:
    return f"{here}?{urlencode({'kind': overlay.subject_kind, 'ref': overlay.subject_ref})}"


def _note(overlay: Overlay | None, kind: str, ref: str) -> str:
    if overlay is not None:
        return f"The {overlay.label} narrows the agent’s version."
    return f"There is no overlay for {kind} {ref}: the agent’s version holds." if ref else "The agent’s version holds."


def _rows(held: Effective) -> list[ConfigurationRow]:
    return [
        ConfigurationRow(
            part=WORDS.get(one.part, one.part.capitalize()),
            value=one.value,
            origin=one.origin,
            removed=one.removed,
            refused=one.refused,
        )
        for one in held.parts
    ]
