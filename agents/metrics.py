"""Runs, steps and workers, as numbers for Prometheus."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Coalesce
from prometheus_client.core import Metric

from agents.engine.claims import DUE, FREE, RESCUE
from agents.engine.workers import living_workers
from agents.liveness import suspected
from agents.models import EndpointState, Run, Standing, Step, Sweep
from agents.states import RUN_TERMINAL, RunStatus, StepStatus
from audit.metrics import age, gauge, gauges

AT_WORK = (StepStatus.READY, StepStatus.RUNNING, StepStatus.WAITING)


def measured() -> Iterator[Metric]:
    """Yield the metrics of this floor, in eight statements."""
    live = {status: 0 for status in RunStatus.values if status not in RUN_TERMINAL}
    counted = live | _by_status(Run.objects.filter(finished_at=None))
    yield gauges("runs", "Runs that are not over.", ("status",), _keyed(counted))
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    over = dict.fromkeys(sorted(RUN_TERMINAL), 0) | _by_status(
        Run.objects.filter(finished_at__gt=an_hour_ago, emptied_at=None)
    )
    yield gauges("runs_finished_last_hour", "Runs that ended in the last hour.", ("status",), _keyed(over))
    steps = dict.fromkeys(map(str, AT_WORK), 0) | _by_status(Step.objects.filter(status__in=AT_WORK))
    yield gauges("steps", "Steps that are not over.", ("status",), _keyed(steps))
    yield gauge("step_oldest_ready_seconds", "How long the longest waiting step that is due has been due.", _waits())
    yield gauge("workers", "Worker processes that are alive.", living_workers().count())
    swept = Sweep.objects.values_list("swept_at", flat=True).first()
    yield gauge("sweep_age_seconds", "Since a round of the sweep was over.", age(swept) if swept else float("inf"))
    yield gauge("runs_stuck", "Runs that neither move nor wait for anything named.", suspected().count())
    known: Any = EndpointState.objects.standing().order_by()
    standing = dict(known.values_list("standing").annotate(Count("pk")))
    endpoints = dict.fromkeys(Standing.values, 0) | {str(name): count for name, count in standing.items()}
    yield gauges("endpoints", "Endpoints of models that failed once or have limits.", ("state",), _keyed(endpoints))


def _by_status(rows: "QuerySet[Run] | QuerySet[Step]") -> dict[str, int]:
    return {str(status): count for status, count in rows.order_by().values_list("status").annotate(Count("pk"))}


def _keyed(counts: dict[str, int]) -> dict[tuple[str, ...], float]:
    return {(status,): count for status, count in counts.items()}


def _waits() -> float:
    """Return the seconds for which the longest waiting step has been due; steps under a pause are not late."""
    due = Step.objects.filter(DUE, FREE | RESCUE, status=StepStatus.READY)
    return age(due.aggregate(since=Min(Coalesce("wake_at", "created_at")))["since"])
