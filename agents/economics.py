"""What an agent's work costs and is worth, from rows alone: cost, cost per verified success, margin, each with its n.

Everything of one run counts in the period in which the run ended, so that its cost and its success stand together.
``docs/economics.md`` says in words what is counted; a change here is a change there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Least

from agents.models import Agent, Rate, RateKind, Run
from agents.states import RUN_TERMINAL, RunKind, RunMode, RunStatus
from approvals.models import Decision
from tools.models import Action, ActionAttempt, Environment, Tool, UsageRecord
from tools.states import ActionStatus, AttemptKind, AttemptOutcome, Effect

DECISION_BOUND: Final = timedelta(minutes=15)
"""What one decision counts at most: a request that waits over night is no night of work."""
HOUR: Final = Decimal(3600)
ANSWERED: Final = "answered"


@dataclass(slots=True, kw_only=True)
class Economics:
    """What the runs of one agent that ended in a period cost and were worth, in US dollars.

    ``unpriced_calls`` and ``unrated_decisions`` are those whose cost nobody knows: with any, ``cost`` is a least one.
    """

    agent: Agent
    environment: str = Environment.LIVE
    value: Decimal | None = None
    runs: int = 0
    succeeded: int = 0
    verified: int = 0
    model: Decimal = field(default=Decimal(0))
    retries: Decimal = field(default=Decimal(0))
    tools: Decimal = field(default=Decimal(0))
    reviewers: Decimal = field(default=Decimal(0))
    review_seconds: Decimal = field(default=Decimal(0))
    decisions: int = 0
    unpriced_calls: int = 0
    unrated_decisions: int = 0

    @property
    def cost(self) -> Decimal:
        """Return all known costs together."""
        return self.model + self.retries + self.tools + self.reviewers

    @property
    def cost_per_success(self) -> Decimal | None:
        """Return the cost of all runs for each verified success; None where there was none."""
        return self.cost / self.verified if self.verified else None

    @property
    def margin(self) -> Decimal | None:
        """Return what the verified successes were worth less all costs; None where no value is stated."""
        return None if self.value is None else self.value * self.verified - self.cost

    @property
    def is_complete(self) -> bool:
        """Say whether every cost is known."""
        return not (self.unpriced_calls or self.unrated_decisions)


def economics_of(
    agents: Sequence[Agent], since: date, until: date, environment: str = Environment.LIVE
) -> dict[UUID, Economics]:
    """Return each agent's economics over its runs of ``environment`` that ended from ``since`` to before ``until``.

    Days are those of UTC. It costs at most five statements, however many agents and runs there are.
    """
    found = {agent.id: Economics(agent=agent, environment=environment) for agent in agents}
    begin, end = (datetime.combine(day, time.min, tzinfo=UTC) for day in (since, until))
    runs = Run.objects.filter(agent_id__in=found, status__in=RUN_TERMINAL, mode=RunMode.LIVE, environment=environment)
    runs = runs.filter(finished_at__gte=begin, finished_at__lt=end)
    rates = _rates(agents)
    for agent_id, one in found.items():
        one.value = rates.get((RateKind.TASK_VALUE, agent_id))
    _count_runs(found, runs)
    _add_models(found, runs)
    _add_tools(found, runs, rates)
    _add_reviewers(found, runs, rates)
    return found


def _rates(agents: Sequence[Agent]) -> dict[tuple[str, UUID], Decimal]:
    rows = Rate.objects.filter(workspace_id__in={agent.workspace_id for agent in agents})
    return {(kind, scope): amount for kind, scope, amount in rows.values_list("kind", "scope_id", "amount")}


def _count_runs(found: dict[UUID, Economics], runs: QuerySet[Run]) -> None:
    done = Q(status=RunStatus.SUCCEEDED)
    verified: Any = done & ~Q(id__in=unverified(runs).values("run_id"))
    counted = runs.filter(kind=RunKind.TASK).values("agent_id").annotate(
        runs=Count("id"),
        succeeded=Count("id", filter=done),
        verified=Count("id", filter=verified),
    )  # fmt: skip
    for row in counted:
        one = found[row["agent_id"]]
        one.runs, one.succeeded, one.verified = row["runs"], row["succeeded"], row["verified"]


def unverified(runs: QuerySet[Run]) -> QuerySet[Action]:
    """Return the executed actions of ``runs`` of which it is not proven that they are as they were meant to be.

    They are in doubt, or were rolled back, or have something to read back that was not read back as it was meant. Where
    a system offers nothing to read back (an e-mail), its receipt is the proof. What failed did not happen.
    """
    seen = ActionAttempt.objects.filter(
        action=OuterRef("pk"),
        kind=AttemptKind.VERIFY,
        outcome=AttemptOutcome.DONE,
        evidence__image=OuterRef("after_image"),
    )
    undone = Action.objects.filter(
        compensates=OuterRef("pk"),
        compensates__isnull=False,  # which the planner does not gather from the line above, and then reads every action
        status__in=[ActionStatus.SUCCEEDED, ActionStatus.EXECUTING, ActionStatus.IN_DOUBT],
    )
    payments = Tool.objects.filter(moves_money=True)
    readable = Q(effect__in=[Effect.REVERSIBLE, Effect.COMPENSATABLE]) | Q(tool_id__in=payments.values("id"))
    changes = Action.objects.filter(run_id__in=runs.values("id"), compensates=None).exclude(effect=Effect.READ)
    doubtful = Q(status__in=[ActionStatus.EXECUTING, ActionStatus.IN_DOUBT])
    return changes.filter(doubtful | Q(status=ActionStatus.SUCCEEDED) & (Exists(undone) | readable & ~Exists(seen)))


def _add_models(found: dict[UUID, Economics], runs: QuerySet[Run]) -> None:
    rows = UsageRecord.objects.filter(run_id__in=runs.values("id")).values("agent_id").annotate(
        model=Sum("cost", filter=Q(outcome=ANSWERED), default=Decimal(0)),
        retries=Sum("cost", filter=~Q(outcome=ANSWERED), default=Decimal(0)),
        unpriced=Count("id", filter=Q(cost=None)),
    )  # fmt: skip
    for row in rows:
        one = found[row["agent_id"]]
        one.model, one.unpriced_calls = row["model"], row["unpriced"]
        one.retries += row["retries"]


def _add_tools(found: dict[UUID, Economics], runs: QuerySet[Run], rates: dict[tuple[str, UUID], Decimal]) -> None:
    """Add the stated price of each call that was sent: an action's first one as tools, each further one as a retry.

    Calls of tools without a stated price add nothing, and are not counted.
    """
    price = {tool: amount for (kind, tool), amount in rates.items() if kind == RateKind.CALL_PRICE}
    if not price:
        return
    sent = ActionAttempt.objects.filter(
        kind=AttemptKind.EXECUTE, action__tool_id__in=price, action__run_id__in=runs.values("id")
    )
    rows = sent.exclude(outcome=AttemptOutcome.NOT_SENT).values("action__agent_id", "action__tool_id").annotate(
        first=Count("id", filter=Q(number=1)), further=Count("id", filter=Q(number__gt=1))
    )  # fmt: skip
    for row in rows:
        one, each = found[row["action__agent_id"]], price[row["action__tool_id"]]
        one.tools += each * row["first"]
        one.retries += each * row["further"]


def _add_reviewers(found: dict[UUID, Economics], runs: QuerySet[Run], rates: dict[tuple[str, UUID], Decimal]) -> None:
    """Add each person's time from the opening of a request to their decision, up to the bound, at the queue's rate."""
    took: Any = Least(F("at") - F("request__opened_at"), DECISION_BOUND)
    rows = Decision.objects.filter(request__run_id__in=runs.values("id"), user__is_service=False)
    keys = ("request__agent_id", "request__queue_id", "workspace_id")
    for agent_id, queue, workspace, count, spent in rows.values_list(*keys).annotate(n=Count("id"), time=Sum(took)):
        one = found[agent_id]
        seconds = Decimal(spent // timedelta(microseconds=1)) / 1_000_000
        one.decisions += count
        one.review_seconds += seconds
        rate = rates.get((RateKind.REVIEW_HOUR, queue), rates.get((RateKind.REVIEW_HOUR, workspace)))
        if rate is None:
            one.unrated_decisions += count
        else:
            one.reviewers += seconds / HOUR * rate
