"""What a person is asked about a run that stands at a limit: which, and how far it goes now."""

from decimal import Decimal

from approvals.models import Request
from tools.models import Period
from tools.models.budget import amount_text, unit_text


def budget_of(request: Request) -> tuple[str, str] | None:
    """Return what the budget that a request is about is counted in, and how far it goes now."""
    budget = request.evidence.get("budget")
    if budget is None:
        return None
    counted = f"{unit_text(budget['unit'])} {Period(budget['period']).label.lower()}"
    return counted, amount_text(Decimal(budget["limit"]))


def minutes_of(request: Request) -> str:
    """Return how many minutes the run may take now, where its time is up."""
    time = request.evidence.get("time")
    return f"{Decimal(time['limit']) / 60:.10g}" if time else ""


def note_of(request: Request) -> str:
    """Return what to know before deciding on a run that stands at a limit."""
    if "circle" in request.evidence:
        return "No limit need be raised: it goes on, and is counted anew from here."
    budget = request.evidence.get("budget")
    return str(budget["who"]) if budget else ""
