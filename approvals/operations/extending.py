"""How far a run may go, as people answer it: a new limit of the budget that a request names, or of the run itself."""

from dataclasses import dataclass
from decimal import Decimal

from approvals.models import Request
from approvals.states import DecisionKind
from tools.models import Unit
from tools.models.budget import amount_text, limit_text
from tools.operations.budgeting import check_limit
from workspaces.errors import InvalidInput

MAX_AMOUNT = Decimal(10**11)
MAX_STEPS = 1_000_000
MAX_SECONDS = 10 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a run may go, in all: money (in the named budget's unit), steps, seconds; None: as before."""

    amount: Decimal | None
    steps: int | None
    seconds: int | None


NONE = Limits(None, None, None)
"""All that a run needs which people let go on though it went round in circles."""


def check_extension(request: Request, limits: Limits) -> None:
    """Raise ``InvalidInput`` for what is no limit, helps nobody, or is not what others have approved before."""
    if "circle" not in request.evidence or limits != NONE:
        _check_limits(limits)
    _check_named_budget(request, limits.amount)
    _check_time(request, limits.seconds)
    _check_same(request, limits)


def _check_limits(limits: Limits) -> None:
    amount, steps, seconds = limits.amount, limits.steps, limits.seconds
    if amount is None and steps is None and seconds is None:
        raise InvalidInput(
            "Say how far the run may go.", fields={"amount": ["Give a new limit in money, steps or seconds."]}
        )
    if amount is not None and not (amount.is_finite() and 0 < amount <= MAX_AMOUNT):
        raise InvalidInput("A limit in money is more than zero.", fields={"amount": ["Give a number above zero."]})
    if steps is not None and not 0 < steps <= MAX_STEPS:
        raise InvalidInput(
            "A step limit is more than zero.", fields={"steps": [f"Give a number from 1 to {MAX_STEPS}."]}
        )
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        raise InvalidInput(
            "A time limit is more than zero.", fields={"seconds": [f"Give a number from 1 to {MAX_SECONDS}."]}
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


def _check_time(request: Request, seconds: int | None) -> None:
    """Where the run's time is up, a new limit is asked for; less than what is used up helps nobody."""
    time = request.evidence.get("time")
    if time is not None and (seconds is None or seconds <= max(time["limit"], time["used"])):
        least = max(time["limit"], time["used"])
        raise InvalidInput(
            f"The run may take {time['limit']:,} seconds and has taken {time['used']:,}: say how long it may take.",
            fields={"seconds": [f"Give a number above {least:,}."]},
        )


def _check_same(request: Request, limits: Limits) -> None:
    """Refuse a limit other than the one that somebody has approved before: a quorum agrees on one."""
    earlier = request.decisions.filter(kind=DecisionKind.APPROVE).first()
    if earlier is not None and Limits(earlier.amount, earlier.steps, earlier.seconds) != limits:
        unit = (request.evidence.get("budget") or {"unit": Unit.USD})["unit"]
        said = [limit_text(earlier.amount, unit)] if earlier.amount is not None else []
        said += [f"{earlier.steps} steps"] if earlier.steps is not None else []
        said += [f"{earlier.seconds} seconds"] if earlier.seconds is not None else []
        raise InvalidInput(
            f"{earlier.user} has approved {' and '.join(said)}; a quorum agrees on one limit.",
            "Approve the same, or reject.",
        )
