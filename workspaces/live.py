"""Live updates: after a commit, the ids of what has moved go out on the workspace's channel. Never any content.

Losing one costs nothing but a page's freshness: pages also refresh by themselves.
"""

import json
import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)


def channel(workspace_id: UUID | str) -> str:
    """Return the name of a workspace's channel."""
    return f"countersign:live:{workspace_id}"


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


def announce(*, workspace_id: UUID, kind: str, id: UUID | str, run_id: UUID | None = None) -> None:
    """Publish, when the surrounding transaction commits, that an object has moved."""
    news = json.dumps({"kind": kind, "id": str(id), "run": str(run_id) if run_id else None})
    transaction.on_commit(lambda: _publish(channel(workspace_id), news))


def announce_runs(moved: Iterable[tuple[UUID, UUID]]) -> None:
    """Publish, when the transaction commits, that runs have moved: (workspace, run) each, all in one round trip."""
    news = [
        (channel(workspace_id), json.dumps({"kind": "run", "id": str(run_id), "run": str(run_id)}))
        for workspace_id, run_id in moved
    ]
    transaction.on_commit(lambda: _publish_all(news))


def _publish_all(news: list[tuple[str, str]]) -> None:
    try:
        with _client().pipeline(transaction=False) as pipe:
            for name, text in news:
                pipe.publish(name, text)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("Live updates were not sent: %s", error)


def _publish(name: str, news: str) -> Any:
    try:
        return _client().publish(name, news)
    except redis.RedisError as error:
        log.warning("A live update was not sent: %s", error)
        return None
