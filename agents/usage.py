"""What was used, by step, run, agent, customer or day: one statement each, over what the person may see."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, TextChoices, Value
from django.db.models.functions import Coalesce, Concat, TruncDate

from agents.models import Agent, Run, Step
from tools.models import Environment, UsageRecord
from workspaces.models import User, Workspace

Rows = QuerySet[UsageRecord, dict[str, Any]]
CURRENCY: Final = "USD"


class Group(TextChoices):
    DAY = "day", "Day"
    AGENT = "agent", "Agent"
    CUSTOMER = "customer", "Customer"
    RUN = "run", "Run"
    STEP = "step", "Step"
    ENVIRONMENT = "environment", "Environment"


BY_NAME: Final = (Group.CUSTOMER, Group.ENVIRONMENT)
"""Groups that stand in the order of their names; others begin with the newest."""


def usage_between(user: User, workspace: Workspace, since: date, until: date) -> QuerySet[UsageRecord]:
    """Return the model calls of agents that ``user`` may see, from ``since`` to the day before ``until``, in UTC."""
    begin, end = (datetime.combine(day, time.min, tzinfo=UTC) for day in (since, until))
    agents = Agent.objects.visible_to(user).filter(workspace=workspace)
    rows = UsageRecord.objects.filter(workspace=workspace, at__gte=begin, at__lt=end)
    return rows.filter(agent_id__in=agents.values("id"))


def grouped(rows: QuerySet[UsageRecord], group: Group) -> Rows:
    """Return one row per ``key`` with what its calls used; the newest key first, customers by their names."""
    keys = {
        Group.DAY: TruncDate("at", tzinfo=UTC),
        Group.AGENT: F("agent_id"),
        Group.CUSTOMER: _customer(),
        Group.RUN: F("run_id"),
        Group.STEP: F("step_id"),
        Group.ENVIRONMENT: F("environment"),
    }
    found: Any = rows.annotate(key=keys[group]).values("key").annotate(**_sums())
    ordered: Rows = found.order_by("key" if group in BY_NAME else "-key")
    return ordered


def totals(rows: QuerySet[UsageRecord]) -> dict[str, Any]:
    """Return what all ``rows`` used together."""
    return rows.aggregate(**_sums())


def _sums() -> dict[str, Any]:
    return {
        "runs": Count("run_id", distinct=True),
        "calls": Count("id"),
        "input_tokens": Coalesce(Sum("input_tokens"), 0),
        "output_tokens": Coalesce(Sum("output_tokens"), 0),
        "known_cost": Coalesce(Sum("cost"), Decimal(0)),
        "unpriced_calls": Count("id", filter=Q(cost=None)),
    }


def _customer() -> Any:
    """Return the subject of the call's run as it is known today: its kind and id, nothing where nobody is known.

    Whom a sandbox run is about is no customer.
    """
    named = Concat(F("session__subject_kind"), Value(" "), F("session__subject_ref"), output_field=CharField())
    known = Run.objects.filter(pk=OuterRef("run_id"), session__isnull=False, environment=Environment.LIVE)
    return Coalesce(Subquery(known.values(name=named)[:1]), Value(""), output_field=CharField())


def labels(group: Group, keys: Iterable[Any]) -> dict[Any, str]:
    """Return what people call the keys of one page, by one statement."""
    wanted = list(keys)
    if group == Group.AGENT:
        return dict(Agent.objects.filter(pk__in=wanted).values_list("id", "title"))
    if group == Group.RUN:
        return dict(Run.objects.filter(pk__in=wanted).values_list("id", "title"))
    if group == Group.STEP:
        found = Step.objects.filter(pk__in=wanted).values_list("id", "number", "run__title")
        return {step: f"Step {number} of {title}" for step, number, title in found}
    if group == Group.ENVIRONMENT:
        return {key: str(Environment(key).label) for key in wanted}
    return {key: key.isoformat() if isinstance(key, date) else str(key) or "No customer known" for key in wanted}


def check_key(group: Group, text: str) -> None:
    """Raise ``ValueError`` for what is no key of ``group``."""
    if group == Group.DAY:
        date.fromisoformat(text)
    elif group == Group.ENVIRONMENT:
        Environment(text)
    elif group != Group.CUSTOMER:
        UUID(text)
    elif "\x00" in text:
        raise ValueError("No name holds this character.")
