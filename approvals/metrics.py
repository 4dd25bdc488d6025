"""What waits for people, as numbers for Prometheus."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from django.db import connection
from prometheus_client.core import Metric

from audit.metrics import gauges

MOST_QUEUES: Final = 50
OTHERS: Final = "(others)"
OPEN = """
SELECT q.name,
       CASE WHEN r.age < interval '15 minutes' THEN 'under_15m' WHEN r.age < interval '1 hour' THEN 'under_1h'
            WHEN r.age < interval '8 hours' THEN 'under_8h' WHEN r.age < interval '1 day' THEN 'under_1d'
            ELSE 'over_1d' END,
       count(*), extract(epoch FROM max(r.age))::float8
FROM (SELECT queue_id, clock_timestamp() - opened_at AS age FROM approvals_request WHERE status = 'open') r
JOIN approvals_reviewqueue q ON q.id = r.queue_id
GROUP BY 1, 2
"""


def measured() -> Iterator[Metric]:
    """Yield open requests by the name of their queue, over all workspaces, in one statement.

    Queues beyond the `MOST_QUEUES` fullest count together, so that many names make no more series.
    """
    with connection.cursor() as cursor:
        cursor.execute(OPEN)
        rows = cursor.fetchall()
    totals: Counter[str] = Counter()
    for queue, _, count, _ in rows:
        totals[queue] += count
    named = {queue for queue, _ in totals.most_common(MOST_QUEUES)}
    counts: Counter[tuple[str, ...]] = Counter()
    oldest: dict[tuple[str, ...], float] = {}
    for queue, band, count, seconds in rows:
        shown = queue if queue in named else OTHERS
        counts[shown, band] += count
        oldest[(shown,)] = max(oldest.get((shown,), 0.0), seconds)
    yield gauges("requests_open", "Requests that wait for people, by their age.", ("queue", "age"), counts)
    yield gauges("request_oldest_seconds", "Age of the oldest open request of a queue.", ("queue",), oldest)
