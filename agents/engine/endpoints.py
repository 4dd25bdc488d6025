"""Whether an endpoint may be called now: its breaker, what its provider asked for, its limits, and who calls it.

One statement takes a place before a call and one gives it back after; both are by the database's clock, and the
row's lock keeps two workers from seeing the same free place. An endpoint without limits that does not fail costs one
reading, and no write at all.

A breaker opens after ``BREAKER_FAILURES`` failures within ``WINDOW`` seconds without an answer between them, and stays
open for ``BREAKER_SECONDS``; then one call tries. Requests and tokens are counted as providers do: a minute's worth may
be used at once, and comes back evenly (the generic cell rate algorithm, ITU-T I.371).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from agents.engine.workers import silence
from agents.models import EndpointState, Step
from agents.providers.base import Endpoint
from agents.providers.errors import ModelError, RetryClass
from workspaces.canonical import digest
from workspaces.database import ClockTimestamp
from workspaces.ids import uuid7

WINDOW: Final = 60.0
MINUTE: Final = 60.0
BUSY_SECONDS: Final = 1.0
"""How long one that finds every place taken waits before it looks again."""
LEASE_SLACK: Final = 60.0
"""Seconds beyond a call's own deadline after which its place counts as free, whatever became of it."""

SHARE: Final = 4
"""One of so many places is kept for interactive calls, and one for batch calls while such a call waits."""
GRACE: Final = 5.0
"""Seconds for which a place is kept for a batch call beyond the time at which it looks again."""

LIVE: Final = """
SELECT l.key, l.value FROM jsonb_each(e.leases) l JOIN agents_worker w ON w.id = (l.value->>0)::uuid
WHERE w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - %(silence)s
  AND (l.value->>1)::float8 > extract(epoch FROM clock_timestamp())
"""
TAKE: Final = """
INSERT INTO agents_endpointstate AS e
  (id, workspace_id, digest, provider, model, base_url, connection, failures, trial, explanation, leases,
   requests_until, tokens_until, changed_at)
VALUES (%(id)s, %(workspace)s, %(digest)s, %(provider)s, %(model)s, %(base_url)s, %(connection)s, 0, '', '',
   jsonb_build_object(%(lease)s::text, jsonb_build_array(%(owner)s::text,
     extract(epoch FROM clock_timestamp()) + %(seconds)s, %(priority)s::text)),
   clock_timestamp() + %(request)s * interval '1 second', clock_timestamp() + %(tokens)s * interval '1 second',
   clock_timestamp())
ON CONFLICT (workspace_id, digest) DO UPDATE SET
  leases = (SELECT coalesce(jsonb_object_agg(live.key, live.value), '{}') FROM (LIVE) live) || EXCLUDED.leases,
  trial = CASE WHEN e.opened_until IS NULL THEN '' ELSE %(lease)s END,
  requests_until = greatest(e.requests_until, clock_timestamp()) + %(request)s * interval '1 second',
  tokens_until = greatest(e.tokens_until, clock_timestamp()) + %(tokens)s * interval '1 second',
  changed_at = clock_timestamp()
WHERE (e.retry_after_until IS NULL OR e.retry_after_until <= clock_timestamp())
  AND (e.opened_until IS NULL OR (e.opened_until <= clock_timestamp()
       AND NOT EXISTS (SELECT FROM (LIVE) live WHERE live.key = e.trial)))
  AND (%(request)s = 0 OR e.requests_until IS NULL
       OR e.requests_until <= clock_timestamp() + (60 - %(request)s) * interval '1 second')
  AND (%(tokens)s = 0 OR e.tokens_until IS NULL
       OR e.tokens_until <= clock_timestamp() + (60 - %(tokens)s) * interval '1 second')
  AND (%(at_once)s::int IS NULL OR (
    SELECT count(*) < %(at_once)s::int AND (
      NOT (%(priority)s = 'batch' OR coalesce(e.batch_waits_until > clock_timestamp(), false))
      OR count(*) FILTER (WHERE coalesce(live.value->>2, 'interactive') = %(priority)s) < %(share)s::int)
    FROM (LIVE) live))
RETURNING e.trial
""".replace("LIVE", LIVE)
GIVE_BACK: Final = """
INSERT INTO agents_endpointstate AS e
  (id, workspace_id, digest, provider, model, base_url, connection, failures, failing_since, opened_until,
   retry_after_until, trial, explanation, leases, changed_at)
VALUES (%(id)s, %(workspace)s, %(digest)s, %(provider)s, %(model)s, %(base_url)s, %(connection)s, %(failed)s::int,
   clock_timestamp(), CASE WHEN %(failed)s AND %(most)s <= 1 THEN clock_timestamp() + %(open)s END,
   clock_timestamp() + %(retry_after)s::float8 * interval '1 second', '', %(said)s, '{}', clock_timestamp())
ON CONFLICT (workspace_id, digest) DO UPDATE SET
  leases = e.leases - %(lease)s::text,
  trial = CASE WHEN e.trial = %(lease)s THEN '' ELSE e.trial END,
  tokens_until = e.tokens_until - %(unused)s * interval '1 second',
  failures = CASE WHEN %(answered)s THEN 0 WHEN NOT %(failed)s THEN e.failures
    WHEN e.failures > 0 AND e.failing_since > clock_timestamp() - %(window)s THEN e.failures + 1 ELSE 1 END,
  failing_since = CASE
    WHEN e.failures > 0 AND e.failing_since > clock_timestamp() - %(window)s THEN e.failing_since
    ELSE clock_timestamp() END,
  opened_until = CASE
    WHEN %(answered)s OR (e.trial = %(lease)s AND NOT %(failed)s) THEN NULL
    WHEN %(failed)s AND ((e.opened_until IS NOT NULL AND e.trial = %(lease)s) OR (e.opened_until IS NULL
      AND (e.failures + 1 >= %(most)s AND e.failing_since > clock_timestamp() - %(window)s OR %(most)s <= 1)))
    THEN clock_timestamp() + %(open)s
    ELSE e.opened_until END,
  retry_after_until = greatest(e.retry_after_until, EXCLUDED.retry_after_until),
  explanation = CASE WHEN %(answered)s THEN '' WHEN %(said)s = '' THEN e.explanation ELSE %(said)s END,
  changed_at = clock_timestamp()
"""
QUEUE: Final = """
UPDATE agents_endpointstate SET
  looks_until = greatest(looks_until, clock_timestamp(), %(until)s) + %(apart)s * interval '1 second',
  batch_waits_until = CASE WHEN %(priority)s = 'batch' THEN
    greatest(looks_until, clock_timestamp(), %(until)s) + (%(apart)s + %(grace)s) * interval '1 second'
    ELSE batch_waits_until END
WHERE workspace_id = %(workspace)s AND digest = %(digest)s RETURNING looks_until - clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The right to call an endpoint once; ``lease`` is empty where nothing had to be written for it."""

    endpoint: Endpoint
    lease: str = ""
    tokens: int = 0
    watched: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an endpoint is not called now, and from when on it may be."""

    endpoint: Endpoint
    reason: str
    sentence: str
    until: datetime

    def to_json(self) -> dict[str, str]:
        """Return what the step keeps of it."""
        return {
            "endpoint": self.endpoint.name,
            "reason": self.reason,
            "sentence": self.sentence,
            "until": self.until.isoformat(),
        }


def key_of(endpoint: Endpoint) -> str:
    """Return what tells an endpoint from the workspace's others; its limits are no part of it."""
    return digest([endpoint.provider, endpoint.model, endpoint.base_url, endpoint.connection])


def troubled(workspace_id: UUID, endpoints: list[Endpoint]) -> frozenset[str]:
    """Return the keys of those endpoints without limits that have failed lately: only these need a place taken."""
    keys = [key_of(endpoint) for endpoint in endpoints if not endpoint.is_limited and endpoint.provider != "demo"]
    if not keys:
        return frozenset()
    wrong = Q(failures__gt=0) | Q(opened_until__isnull=False) | Q(retry_after_until__gt=ClockTimestamp())
    found = EndpointState.objects.filter(wrong, workspace_id=workspace_id, digest__in=keys)
    return frozenset(found.values_list("digest", flat=True))


def take_place(step: Step, endpoint: Endpoint, *, tokens: int, known: frozenset[str]) -> Place | Refused:
    """Take the right to call ``endpoint`` once, with ``tokens`` as the worst case; say why not where it is refused."""
    if not endpoint.is_limited and key_of(endpoint) not in known:
        return Place(endpoint, watched=endpoint.provider != "demo")
    lease = f"{step.id}:{step.attempt}"
    values = {
        **_named(step.workspace_id, endpoint),
        "lease": lease,
        "owner": str(step.incarnation),
        "seconds": endpoint.deadline_seconds + LEASE_SLACK,
        "silence": silence(),
        "request": _share(1, endpoint.requests_per_minute),
        "tokens": _share(tokens, endpoint.tokens_per_minute),
        "at_once": endpoint.at_once,
        "priority": str(step.priority),
        "share": endpoint.at_once - endpoint.at_once // SHARE if endpoint.at_once else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        taken = cursor.fetchone() is not None
    if taken:
        return Place(endpoint, lease, tokens, watched=True)
    return _refusal(step.workspace_id, endpoint, values)


def give_back(step: Step, place: Place, *, error: ModelError | None, tokens: int | None) -> None:
    """Note how the call went and free its place; ``tokens`` are those it used, None where nobody knows.

    What only this request could not do (too long, refused) is no failure of the endpoint, and no proof of its health.
    """
    failed = error is not None and error.retry in {RetryClass.ELSEWHERE, RetryClass.LATER}
    if not place.watched or not (place.lease or failed):
        return
    paused = error.retry_after if error is not None else None
    unused = 0.0
    if place.endpoint.tokens_per_minute and tokens is not None:
        unused = _share(place.tokens, place.endpoint.tokens_per_minute)
        unused -= _share(min(tokens, place.tokens), place.endpoint.tokens_per_minute)
    values = {
        **_named(step.workspace_id, place.endpoint),
        "lease": place.lease or "none",
        "failed": failed and not paused,
        "answered": error is None,
        "said": error.message if error is not None and failed else "",
        "most": int(settings.BREAKER_FAILURES),
        "open": timedelta(seconds=float(settings.BREAKER_SECONDS)),
        "window": timedelta(seconds=WINDOW),
        "retry_after": paused or None,
        "unused": unused,
    }
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, values)


def wait_for_turn(step: Step, refused: Refused) -> float:
    """Return in how many seconds to look again: all that wait look one after the other, never all at once."""
    values: dict[str, Any] = {
        "workspace": step.workspace_id,
        "digest": key_of(refused.endpoint),
        "until": refused.until,
        "apart": _apart(refused.endpoint),
        "priority": str(step.priority),
        "grace": GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, values)
        found = cursor.fetchone()
    return max(float(found[0].total_seconds()), 0.0) if found else BUSY_SECONDS


def _apart(endpoint: Endpoint) -> float:
    """Return how many seconds lie between two looks: as far apart as the endpoint's own limits let calls be."""
    by_places = 0.5 / endpoint.at_once if endpoint.at_once else 0.05
    return max(by_places, _share(1, endpoint.requests_per_minute))


def _share(count: int, most: int | None) -> float:
    """Return the part of a minute that ``count`` of ``most`` uses up, in seconds; never more than all of it."""
    return min(MINUTE * count / most, MINUTE) if most else 0.0


def _named(workspace_id: UUID, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "workspace": workspace_id,
        "digest": key_of(endpoint),
        "provider": endpoint.provider,
        "model": endpoint.model,
        "base_url": endpoint.base_url,
        "connection": endpoint.connection,
    }


def _refusal(workspace_id: UUID, endpoint: Endpoint, values: dict[str, Any]) -> Refused:
    """Say which condition stood against it, as the row is by now."""
    found = EndpointState.objects.filter(workspace_id=workspace_id, digest=key_of(endpoint))
    state: Any = found.annotate(now=ClockTimestamp()).first()
    now = state.now if state is not None else timezone.now()
    reason, until, said = _why(state, endpoint, values, now) if state is not None else ("busy", now, "")
    until = max(until, now + timedelta(seconds=BUSY_SECONDS)) if reason in {"busy", "trial"} else until
    when = f"It is asked again at {until:%H:%M:%S} UTC at the earliest."
    return Refused(endpoint, reason, f"{said or 'It was called by others just now.'} {when}", until)


def _why(state: Any, endpoint: Endpoint, values: dict[str, Any], now: datetime) -> tuple[str, datetime, str]:
    name = endpoint.name
    if state.retry_after_until is not None and state.retry_after_until > now:
        return "retry_after", state.retry_after_until, f"{name} asked not to be called for a while."
    if state.opened_until is not None and state.opened_until > now:
        told = f"{name} has failed again and again, so it is left alone for a moment. {state.explanation}".strip()
        return "breaker", state.opened_until, told
    if state.opened_until is not None and state.trial:
        return "trial", now, f"{name} has failed again and again, and another call is trying it now."
    for reason, unit, limit, used in (
        ("requests", "requests", endpoint.requests_per_minute, state.requests_until),
        ("tokens", "tokens", endpoint.tokens_per_minute, state.tokens_until),
    ):
        cost = values["request" if reason == "requests" else "tokens"]
        free = used + timedelta(seconds=cost - MINUTE) if limit and used else now
        if free > now:
            return reason, free, f"{name} may use {limit:,} {unit} a minute, and these are used up."
    most = endpoint.at_once or 0
    kept = f", and a share of that is kept for others than {values['priority']} runs" if most >= SHARE else ""
    return "busy", now, f"{name} may be called by {most:,} at once{kept}: no place is free now."
