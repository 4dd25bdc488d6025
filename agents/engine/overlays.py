"""Letting a customer's overlay hold for a run, from the moment at which code has found out whom the run is about.

That is when a turn is over: no action of the run is under way then, so none is judged by one configuration and carried
out under another. The run keeps this version of the overlay, whatever is published later.
"""

from decimal import Decimal
from typing import Any

from django.db.models import Sum

from agents.effective import Effective, effective
from agents.engine.claims import WORKER
from agents.models import Overlay, Run
from tools.models import Budget, BudgetScope, Period, Unit, UsageRecord
from workspaces.operations.authority import note


def take_overlay(run: Run) -> None:
    """Narrow the run by the newest overlay for whom it is about, if there is one; call with the run locked."""
    if run.session is None or run.overlay_id is not None:
        return
    overlay = Overlay.objects.newest(run.agent_id, run.session.subject_kind, run.session.subject_ref)
    if overlay is None:
        return
    held = effective(run.version, overlay)
    run.overlay, run.step_limit = overlay, min(run.step_limit, held.step_limit)
    Run.objects.filter(pk=run.pk).update(overlay=overlay, step_limit=run.step_limit)
    if overlay.budget_usd is not None:
        _lower_budget(run, held)
    note(run.workspace_id, WORKER, "run.overlay_taken", ("run", run.id), overlay=str(overlay.id), number=overlay.number)


def _lower_budget(run: Run, held: Effective) -> None:
    """Let the run's own budget be no more than the overlay's; what is used or held already stays counted."""
    own: dict[str, Any] = {"scope_id": run.id, "unit": Unit.USD, "period": Period.TOTAL}
    budget = Budget.objects.select_for_update().filter(**own).first()
    if budget is not None:
        budget.limit = max(budget.spent + budget.reserved, min(budget.limit, held.budget_usd))
        budget.is_enabled = True
        budget.save(update_fields=["limit", "is_enabled"])
        return
    used = UsageRecord.objects.filter(run_id=run.id).aggregate(cost=Sum("cost", default=Decimal(0)))["cost"]
    Budget.objects.create(
        workspace_id=run.workspace_id,
        scope_kind=BudgetScope.RUN,
        name="this run",
        spent=used,
        limit=max(used, held.budget_usd),
        **own,
    )
