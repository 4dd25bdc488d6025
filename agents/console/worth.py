"""What an agent's work of the last month cost and was worth, as its page shows it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from agents.economics import DECISION_BOUND, Economics, economics_of
from agents.models import Agent
from agents.usage import CURRENCY
from workspaces.console.run_shapes import Worth

DAYS: Final = 30
MINUTE: Final = Decimal(60)


def worth_of(agent: Agent) -> Worth | None:
    """Return the economics of the runs that ended in the last thirty days of UTC; None where none did."""
    until = datetime.now(UTC).date() + timedelta(days=1)
    found = economics_of([agent], until - timedelta(days=DAYS), until)[agent.id]
    if not found.runs and not found.cost:
        return None
    bound = DECISION_BOUND // timedelta(minutes=1)
    minutes = f"{found.review_seconds / MINUTE:.1f} min in {_count(found.decisions, 'decision')}, at most {bound} each"
    return Worth(
        days=DAYS,
        currency=CURRENCY,
        runs=found.runs,
        succeeded=found.succeeded,
        verified=found.verified,
        costs=[
            ("Models", _known(found.model, found.unpriced_calls), ""),
            ("Retries", found.retries, ""),
            ("Tools", found.tools, ""),
            ("Reviewers", _known(found.reviewers, found.unrated_decisions), minutes if found.decisions else ""),
        ],
        cost=found.cost,
        per_success=found.cost_per_success,
        value=found.value,
        margin=found.margin,
        missing=_missing(found),
    )


def _known(amount: Decimal, unknown: int) -> Decimal | None:
    """Return what is known of a sum; None where nothing of it is: what nobody knows is not zero."""
    return None if unknown and not amount else amount


def _missing(found: Economics) -> str:
    unknown = []
    if found.unpriced_calls:
        unknown.append(f"the price of {_count(found.unpriced_calls, 'model call')}")
    if found.unrated_decisions:
        unknown.append(f"the rate for {_count(found.unrated_decisions, 'decision')}")
    return f"Not known, so not in these costs: {' and '.join(unknown)}." if unknown else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
