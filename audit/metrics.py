"""What Prometheus scrapes: read from the rows at that moment, in a few statements.

Rows are the truth here too: whichever web process is asked says the same, and a process that ends takes no count with
it. Each floor adds what it knows by a source of its own (``AppConfig.ready`` registers it). What grows for ever is
given for the last hour, found by the time that a UUIDv7 begins with, so that a scrape costs what the hour brought and
not what the years did. No label names a workspace or anything that somebody outside can choose.
"""

import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from audit.ledger.sealing import lag
from audit.models import Delivery
from audit.states import DeliveryStatus

log = logging.getLogger(__name__)

Source = Callable[[], Iterable[Metric]]
_sources: Final[dict[str, Source]] = {}


def register(source: Source) -> None:
    """Let ``source`` be asked at every scrape; the same one again changes nothing."""
    _sources[f"{source.__module__}.{source.__qualname__}"] = source


def gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    """Return one number; ``name`` without our prefix."""
    return GaugeMetricFamily(f"countersign_{name}", help, value=value)


def gauges(name: str, help: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> GaugeMetricFamily:
    """Return one number for each combination of labels: ``values`` is keyed by tuples of them."""
    family = GaugeMetricFamily(f"countersign_{name}", help, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def last_hour() -> UUID:
    """Return the lowest UUIDv7 of the last hour: its first 48 bits are the milliseconds since 1970 (RFC 9562)."""
    since = datetime.now(UTC) - timedelta(hours=1)
    return UUID(int=int(since.timestamp() * 1000) << 80)


def age(at: datetime | None) -> float:
    """Return the seconds since ``at``, never less than 0; 0 where there is nothing."""
    return max((datetime.now(UTC) - at).total_seconds(), 0.0) if at else 0.0


def measured_here() -> Iterator[Metric]:
    """Yield what the ledger and the webhooks are behind."""
    behind = lag()
    yield gauge("ledger_unsealed_events", "Events that no seal covers yet.", behind.events)
    yield gauge("ledger_unsealed_oldest_seconds", "Age of the oldest event not sealed.", age(behind.oldest_at))
    yield gauge("ledger_unwitnessed_seals", "Seals that the witness does not hold yet.", behind.unwitnessed)
    pending = Delivery.objects.filter(status=DeliveryStatus.PENDING).aggregate(
        count=Count("pk"), oldest=Min("created_at")
    )
    yield gauge("deliveries_pending", "Webhook deliveries on their way.", pending["count"])
    yield gauge("deliveries_oldest_pending_seconds", "Age of the oldest of them.", age(pending["oldest"]))
    over = Delivery.objects.filter(id__gte=last_hour()).exclude(status=DeliveryStatus.PENDING).order_by()
    counts = {(status,): n for status, n in over.values_list("status").annotate(Count("pk"))}
    ended = {(str(status),): 0 for status in DeliveryStatus if status != DeliveryStatus.PENDING}
    yield gauges(
        "deliveries_last_hour", "Deliveries begun in the last hour that are over.", ("status",), ended | counts
    )


class Rows(Collector):
    """Asks every source when it is scraped."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of every floor."""
        for source in _sources.values():
            yield from source()


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scrape that shows ``METRICS_TOKEN``; without one in the settings there is nothing here."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("Send METRICS_TOKEN as a bearer token.\n", "text/plain", 401, headers=CHALLENGE)
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(Rows())
        return HttpResponse(generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError as error:
        log.warning("The metrics could not be read: %s", error)
        return HttpResponse("The database cannot be reached.\n", "text/plain", 503)


CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="metrics"'}
