"""What each attempt at a model call used and cost: written with its outcome, and never twice for one attempt."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils import timezone

from agents.models import Step
from agents.providers import pricing
from agents.providers.base import Endpoint, ModelAnswer
from agents.providers.errors import ModelError
from tools.models import UsageRecord
from tools.operations import Used, settle_reservation

ANSWERED: Final = "answered"
LOST: Final = "lost"
MAX_OUTCOME: Final = 20


@dataclass(frozen=True, slots=True)
class Called:
    """One attempt at one endpoint: how long an answer was allowed, what it answered or why not, how long it took."""

    endpoint: Endpoint
    answer: ModelAnswer | None
    error: ModelError | None
    latency_ms: int
    max_output_tokens: int


def record_usage(step: Step, calls: list[Called], *, steps: int = 0) -> None:
    """Write one row per endpoint asked, and settle the reservation at what is known to have been used.

    ``steps`` are those that the run has gone by it: none for a call that is tried again.
    A step that was taken over meanwhile has a row that says its call was lost: what is known now takes its place.
    """
    UsageRecord.objects.filter(step_id=step.id, attempt=step.attempt, outcome=LOST).delete()
    costs = [_record_call(step, called) for called in calls]
    known = [cost for cost in costs if cost is not None]
    used = Used(
        money=sum(known, Decimal(0)) if len(known) == len(costs) else None,
        tokens=_tokens(calls),
        steps=steps,
        may_have_cost=any(called.error is None or called.error.may_have_cost for called in calls),
    )
    settle_reservation(step_id=step.id, attempt=step.attempt, used=used)


def _tokens(calls: list[Called]) -> int | None:
    """Return the tokens of all calls; None where somebody may have counted some and nobody says how many."""
    total = 0
    for called in calls:
        usage = called.answer.usage if called.answer else None
        if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
            total += usage.input_tokens + usage.output_tokens
        elif called.error is None or called.error.may_have_cost:
            return None
    return total


def _record_call(step: Step, called: Called) -> Decimal | None:
    answer, endpoint, error = called.answer, called.endpoint, called.error
    usage = answer.usage if answer else None
    cost = None
    if usage is not None:
        cost = pricing.cost(usage, provider=endpoint.provider, model=endpoint.model, at=timezone.now())
    elif error is not None and not error.may_have_cost:
        cost = Decimal(0)
    UsageRecord.objects.create(
        workspace_id=step.workspace_id,
        step_id=step.id,
        run_id=step.run_id,
        agent_id=step.run.agent_id,
        environment=step.run.environment,
        attempt=step.attempt,
        provider=endpoint.provider,
        model=endpoint.model,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        cache_written_tokens=usage.written_tokens if usage else None,
        max_output_tokens=called.max_output_tokens,
        cost=cost,
        latency_ms=called.latency_ms,
        outcome=ANSWERED if answer else _named(error),
        explanation=error.message if error else "",
    )
    return cost


def _named(error: ModelError | None) -> str:
    """Return an error's code without its prefix: these rows are about models anyway."""
    return error.code.removeprefix("model_")[:MAX_OUTCOME] if error else "unknown"


def record_lost(step: Step) -> None:
    """Write that an attempt's worker was lost in the middle: what it cost is not known, and so not nothing."""
    route = step.run.version.route
    first = route.endpoints[0]
    UsageRecord.objects.create(
        workspace_id=step.workspace_id,
        step_id=step.id,
        run_id=step.run_id,
        agent_id=step.run.agent_id,
        environment=step.run.environment,
        attempt=step.attempt,
        provider=str(first.get("provider", "")),
        model=str(first.get("model", "")),
        cost=Decimal(0) if route.is_demo else None,
        latency_ms=0,
        outcome=LOST,
        explanation="The worker stopped in the middle of the call; its answer, if there was one, is lost.",
    )
    settle_lost(step)


def settle_lost(step: Step) -> None:
    """Settle what the attempt held at its worst case: its call may have been served, and nobody will say."""
    settle_reservation(step_id=step.id, attempt=step.attempt, used=Used())
