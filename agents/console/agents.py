"""Agents: the list, one agent's page, and the switch that stops it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from agents.console.agent_page import agent_page, agent_rows
from agents.console.found import agent_or_404, agents_of, runs_of
from agents.console.schedule_rows import scheduled_for
from agents.console.stopping import let_go, stop
from agents.console.workflows import workflow_of_version
from agents.console.worth import worth_of
from workspaces.console.asking import person_of
from workspaces.console.links import agent_url
from workspaces.console.listing import page_of
from workspaces.models import ScopeKind


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the agents."""
    rows = agents_of(request).select_related("current_version__route").order_by("title", "id")
    found, pager = page_of(request, rows)
    return render(request, "agents/agents.html", {"agents": agent_rows(found), "pager": pager})


@require_safe
def show(request: HttpRequest, named: str) -> HttpResponse:
    """Show one agent."""
    agent = agent_or_404(request, named)
    page = agent_page(agent, runs_of(request), person_of(request))
    context = {
        "page": page,
        "workflow": workflow_of_version(agent.current_version),
        "scheduled": scheduled_for(agent, page.new_run_url != ""),
    }
    return render(request, "agents/agent.html", context)


@require_safe
def worth(request: HttpRequest, named: str) -> HttpResponse:
    """Show what one agent's work cost and was worth: apart from its page, which need not wait for so much adding up."""
    return render(request, "components/worth.html", {"worth": worth_of(agent_or_404(request, named))})


@require_POST
def pause(request: HttpRequest, named: str) -> HttpResponse:
    """Pause an agent."""
    agent = agent_or_404(request, named)
    said = f"{agent.title} is paused: nothing new starts in its runs."
    return stop(request, ScopeKind.AGENT, agent.id, back=agent_url(agent.id), said=said)


@require_POST
def release(request: HttpRequest, named: str) -> HttpResponse:
    """Release the pause of an agent."""
    agent = agent_or_404(request, named)
    return let_go(request, agent.id, back=agent_url(agent.id), said=f"{agent.title} goes on.")
