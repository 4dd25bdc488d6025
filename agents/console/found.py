"""Finding what an address names, within the current workspace and for this person alone: else it does not exist."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest

from agents.models import Agent, Run
from tools.models import Budget, Unit
from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.tenancy import workspace_of

CONTROLLABLE: Final = "is_controllable"
OWN_BUDGET: Final = "own_budget"


def runs_of(request: HttpRequest) -> QuerySet[Run]:
    """Return the runs of the current workspace that this person may see."""
    return Run.objects.visible_to(person_of(request)).filter(workspace=workspace_of(request))


def agents_of(request: HttpRequest) -> QuerySet[Agent]:
    """Return the agents of the current workspace that this person may see."""
    return Agent.objects.visible_to(person_of(request)).filter(workspace=workspace_of(request))


def run_or_404(request: HttpRequest, run_id: UUID) -> Run:
    """Return one run with what its page needs, also its own budget and whether this person may control it."""
    rows = runs_of(request).select_related(
        "agent", "version__route", "started_by", "session", "overlay", "rolls_back", "made_live_by"
    )
    mine = Run.objects.controllable_by(person_of(request)).filter(pk=OuterRef("pk"))
    own = Subquery(budget_of(OuterRef("pk")))
    found = rows.annotate(**{CONTROLLABLE: Exists(mine), OWN_BUDGET: own}).filter(pk=run_id).first()
    if found is None:
        raise Http404
    return found


def budget_of(run_id: UUID | OuterRef) -> "QuerySet[Budget, Decimal]":
    """Return the limit of the run's own budget in dollars, at most one."""
    return Budget.objects.filter(scope_id=run_id, unit=Unit.USD).values_list("limit", flat=True)[:1]


def agent_or_404(request: HttpRequest, named: str) -> Agent:
    """Return one agent by its id or its name, with its current version."""
    try:
        rows = agents_of(request).filter(pk=UUID(named))
    except ValueError:
        rows = agents_of(request).filter(name=sanitise(named))
    found = rows.select_related("current_version__route").first()
    if found is None:
        raise Http404
    return found
