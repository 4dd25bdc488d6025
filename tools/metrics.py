"""Actions, attempts and model calls, as numbers for Prometheus."""

from collections.abc import Iterator

from django.db.models import Count, Q, Sum
from prometheus_client.core import Metric

from audit.metrics import gauges, last_hour
from tools.models import Action, ActionAttempt, UsageRecord
from tools.states import ACTION_TERMINAL, ActionStatus

LIVE = [str(status) for status in ActionStatus if status not in ACTION_TERMINAL]


def measured() -> Iterator[Metric]:
    """Yield the metrics of this floor, in three statements."""
    found = (
        Action.objects.exclude(status__in=sorted(ACTION_TERMINAL))
        .order_by()
        .values_list("status")
        .annotate(Count("pk"))
    )
    live = {(status,): 0 for status in LIVE} | {(str(status),): count for status, count in found}
    yield gauges("actions", "Actions that are not over; in_doubt: may have happened or not.", ("status",), live)
    tried = ActionAttempt.objects.filter(id__gte=last_hour()).order_by()
    counts = {(str(k), str(o)): n for k, o, n in tried.values_list("kind", "outcome").annotate(Count("pk"))}
    yield gauges("attempts_last_hour", "Attempts begun in the last hour.", ("kind", "outcome"), counts)
    yield from _model_calls()


def _model_calls() -> Iterator[Metric]:
    used = UsageRecord.objects.filter(id__gte=last_hour()).order_by()
    rows = used.values_list("provider", "model", "outcome", "currency").annotate(
        count=Count("pk"),
        read=Sum("input_tokens"),
        written=Sum("output_tokens"),
        known=Sum("cost"),
        unknown=Count("pk", filter=Q(cost=None)),
    )
    calls: dict[tuple[str, ...], float] = {}
    tokens, costs, unpriced = dict(calls), dict(calls), dict(calls)
    for provider, model, outcome, currency, count, read, written, known, unknown in rows:
        own = (provider, model)
        _add(calls, (*own, outcome), count)
        _add(tokens, (*own, "input"), read or 0)
        _add(tokens, (*own, "output"), written or 0)
        _add(costs, (*own, currency), float(known or 0))
        _add(unpriced, own, unknown)
    own_labels = ("provider", "model")
    yield gauges("model_calls_last_hour", "Model calls of the last hour.", (*own_labels, "outcome"), calls)
    yield gauges("model_tokens_last_hour", "Tokens of these calls.", (*own_labels, "direction"), tokens)
    yield gauges("model_cost_last_hour", "What is known of their cost.", (*own_labels, "currency"), costs)
    yield gauges("model_calls_unpriced_last_hour", "Calls whose cost is not known.", own_labels, unpriced)


def _add(values: dict[tuple[str, ...], float], key: tuple[str, ...], more: float) -> None:
    values[key] = values.get(key, 0) + more
