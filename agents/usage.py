"""What was used, by step, run, agent, customer or day: one statement each, over what the person may see."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum, TextChoices
from django.db.models.functions import Coalesce, TruncDate

from agents.models import Agent, Run, Step
from tools.models import Environment, UsageRecord
from workspaces.models import User, Workspace

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


def grouped(rows: QuerySet[UsageRecord], group: Group) -> Any:
    """Return one row per ``key`` with what its calls used; the newest key first, customers by their names.

    What it returns is ordered, narrowed by ``key`` and sliced as a QuerySet is.
    """
    if group == Group.CUSTOMER:
        return Customers(rows)
    keys = {
        Group.DAY: TruncDate("at", tzinfo=UTC),
        Group.AGENT: F("agent_id"),
        Group.RUN: F("run_id"),
        Group.STEP: F("step_id"),
        Group.ENVIRONMENT: F("environment"),
    }
    found: Any = rows.annotate(key=keys[group]).values("key").annotate(**_sums())
    return found.order_by("key" if group in BY_NAME else "-key")


def totals(rows: QuerySet[UsageRecord]) -> dict[str, Any]:
    """Return what all ``rows`` used together."""
    return rows.aggregate(**_sums())


def _sums() -> dict[str, Any]:
    return {"runs": Count("run_id", distinct=True), **_sums_of_calls()}


def _sums_of_calls() -> dict[str, Any]:
    return {
        "calls": Count("id"),
        "input_tokens": Coalesce(Sum("input_tokens"), 0),
        "output_tokens": Coalesce(Sum("output_tokens"), 0),
        "known_cost": Coalesce(Sum("cost"), Decimal(0)),
        "unpriced_calls": Count("id", filter=Q(cost=None)),
    }


KNOWN: Final = "coalesce(s.subject_kind || ' ' || s.subject_ref, '')"
BY_CUSTOMER: Final = """
SELECT {known} AS key, count(*) AS runs, sum(u.calls)::bigint AS calls,
    sum(u.input_tokens)::bigint AS input_tokens, sum(u.output_tokens)::bigint AS output_tokens,
    sum(u.known_cost) AS known_cost, sum(u.unpriced_calls)::bigint AS unpriced_calls
FROM ({runs}) u
LEFT JOIN agents_run r ON r.id = u.run_id AND r.environment = %s
LEFT JOIN memory_session s ON s.id = r.session_id
{where} GROUP BY 1 ORDER BY 1 {order} LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, slots=True)
class Customers:
    """Usage by the subject of each run as it is known today: its kind and id, nothing where nobody is known.

    Whom a sandbox run is about is no customer. Calls are added up by run first, so that a run's customer is looked up
    once and not for every call: the models are on floors that do not know each other, so this is one statement in SQL.
    """

    rows: QuerySet[UsageRecord]
    order: str = "ASC"
    beyond: tuple[str, str] | None = None

    def order_by(self, key: str) -> "Customers":
        """Return the same by name, from the first (``key``) or from the last (``-key``)."""
        return replace(self, order="DESC" if key.startswith("-") else "ASC")

    def filter(self, **key: str) -> "Customers":
        """Return those after (``key__gt``) or before (``key__lt``) a name."""
        ((how, name),) = key.items()
        return replace(self, beyond=({"key__gt": ">", "key__lt": "<"}[how], name))

    def __getitem__(self, part: slice) -> list[dict[str, Any]]:
        runs, values = self.rows.order_by().values("run_id").annotate(**_sums_of_calls()).query.sql_with_params()
        where = f"WHERE {KNOWN} {self.beyond[0]} %s" if self.beyond else ""
        asked = [*values, Environment.LIVE.value, *(self.beyond[1:] if self.beyond else ())]
        with connection.cursor() as cursor:
            cursor.execute(
                BY_CUSTOMER.format(known=KNOWN, runs=runs, where=where, order=self.order),
                [*asked, part.stop - (part.start or 0), part.start or 0],
            )
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


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
