"""How far a run may go, as people answer it: a new limit of the budget that a request names, or of the run itself."""

from decimal import Decimal

from approvals.models import Request
from approvals.states import DecisionKind
from tools.models import Unit
from tools.models.budget import amount_text, limit_text
from tools.operations.budgeting import check_limit
from workspaces.errors import InvalidInput

MAX_AMOUNT = Decimal(10**11)
MAX_STEPS = 1_000_000


def check_extension(request: Request, amount: Decimal | None, steps: int | None) -> None:
    """Raise ``InvalidInput`` for what is no limit, helps nobody, or is not what others have approved before."""
    _check_limits(amount, steps)
    _check_named_budget(request, amount)
    _check_same(request, amount, steps)


def _check_limits(amount: Decimal | None, steps: int | None) -> None:
    if amount is None and steps is None:
        raise InvalidInput(
            "Say how far the run may go.", fields={"amount": ["Give a new limit in money, or a new step limit."]}
        )
    if amount is not None and not (amount.is_finite() and 0 < amount <= MAX_AMOUNT):
        raise InvalidInput("A limit in money is more than zero.", fields={"amount": ["Give a number above zero."]})
    if steps is not None and not 0 < steps <= MAX_STEPS:
        raise InvalidInput(
            "A step limit is more than zero.", fields={"steps": [f"Give a number from 1 to {MAX_STEPS}."]}
        )


def _check_named_budget(request: Request, amount: Decimal | None) -> None:
    """Where the request names a budget, its new limit is asked for, in its own unit; less than now helps nobody."""
    budget = request.evidence.get("budget")
    if budget is None:
        return
    now = Decimal(budget["limit"])
    if amount is None or amount <= now:
        raise InvalidInput(
            f"The budget of {budget['name']} goes to {amount_text(now)} now: say how far it may go instead.",
            fields={"amount": [f"Give a number above {amount_text(now)}."]},
        )
    check_limit(Unit(budget["unit"]), amount)


def _check_same(request: Request, amount: Decimal | None, steps: int | None) -> None:
    """Refuse a limit other than the one that somebody has approved before: a quorum agrees on one."""
    earlier = request.decisions.filter(kind=DecisionKind.APPROVE).first()
    if earlier is not None and (earlier.amount, earlier.steps) != (amount, steps):
        unit = (request.evidence.get("budget") or {"unit": Unit.USD})["unit"]
        limits = [limit_text(earlier.amount, unit)] if earlier.amount is not None else []
        limits += [f"{earlier.steps} steps"] if earlier.steps is not None else []
        raise InvalidInput(
            f"{earlier.user} has approved {' and '.join(limits)}; a quorum agrees on one limit.",
            "Approve the same, or reject.",
        )
