"""Server-sent hints: something that this page shows has moved, fetch it again. Never what, of whom, or which.

A stream holds no database connection while it waits. Every ``HEARTBEAT`` seconds it asks again whether the session is
alive and the person may still look; it ends by itself when not, when the server stops, and when Valkey is gone (then
the page polls).
"""

import asyncio
import json
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.crypto import constant_time_compare
from redis.exceptions import RedisError

from workspaces.console.asking import person_of
from workspaces.database import release_connection
from workspaces.errors import Unavailable
from workspaces.live import channel
from workspaces.models import Membership, User
from workspaces.tenancy import workspace_of

log = logging.getLogger(__name__)

HEARTBEAT: float = 15
"""Seconds between two comments that keep the connection open, and between two looks at who listens."""

SETTLE: Final = 0.2
"""Seconds in which a burst of news becomes one hint."""

TICK: Final = 1.0
HINT: Final = b"data: moved\n\n"

News = dict[str, Any]
Wanted = Callable[[News], bool]
Listener = Callable[[HttpRequest, User], tuple[Wanted, Callable[[], bool]]]
"""Given the request and the person, return which news concern the page, and whether they may (still) see it."""


async def stream(request: HttpRequest, listen: Listener) -> StreamingHttpResponse:
    """Answer with an event stream of hints; raise what ``listen`` raises, and ``Unavailable`` without Valkey."""
    name, wanted, may_stay = await sync_to_async(_admit)(request, listen)
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    try:
        await pubsub.subscribe(name)
    except (RedisError, OSError) as error:
        await client.aclose()
        raise Unavailable("Live updates are not available just now.", "The page refreshes by itself.") from error
    hints = _hints(client, pubsub, wanted, may_stay)
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(hints, content_type="text/event-stream", headers=headers)


def _admit(request: HttpRequest, listen: Listener) -> tuple[str, Wanted, Callable[[], bool]]:
    """Check who listens to what, in one thread, and let the database go."""
    try:
        user, workspace = person_of(request), workspace_of(request)
        wanted, visible = listen(request, user)
        key = request.session.session_key or ""
    finally:
        release_connection()
    return channel(workspace.id), wanted, lambda: _may_stay(key, user, workspace.id, visible)


def _may_stay(session_key: str, user: User, workspace_id: Any, visible: Callable[[], bool]) -> bool:
    """Tell whether the session is alive, its person enabled and a member, and what they look at still theirs to see."""
    try:
        kept = SessionStore(session_key).load()
        fresh = User.objects.filter(pk=user.pk, is_active=True).first()
        if fresh is None or kept.get(SESSION_KEY) != str(fresh.pk):
            return False
        if not constant_time_compare(kept.get(HASH_SESSION_KEY, ""), fresh.get_session_auth_hash()):
            return False
        return Membership.objects.filter(user=fresh, workspace_id=workspace_id).exists() and visible()
    finally:
        release_connection()


async def _hints(client: Any, pubsub: Any, wanted: Wanted, may_stay: Callable[[], bool]) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 3000\n: listening\n\n"
        beat = time.monotonic()
        while not _server_stops():
            if wanted_now(await pubsub.get_message(timeout=TICK), wanted):
                await _settle(pubsub)
                yield HINT
            if time.monotonic() - beat >= HEARTBEAT:
                beat = time.monotonic()
                if not await sync_to_async(may_stay)():
                    return
                yield b": still here\n\n"
    except (RedisError, OSError) as error:
        log.warning("A live stream ended: %s", error)
    finally:
        await _close(client, pubsub)


def wanted_now(message: Any, wanted: Wanted) -> bool:
    """Tell whether a message (or none) carries news that the page wants; what is no news of ours is ignored."""
    if message is None:
        return False
    try:
        news = json.loads(message["data"])
    except (ValueError, TypeError):
        return False
    return isinstance(news, dict) and wanted(news)


async def _settle(pubsub: Any) -> None:
    """Wait for the burst to pass: whatever comes meanwhile is told by the same hint."""
    await asyncio.sleep(SETTLE)
    while await pubsub.get_message(timeout=0) is not None:
        pass


async def _close(client: Any, pubsub: Any) -> None:
    try:
        await pubsub.aclose()
        await client.aclose()
    except (RedisError, OSError) as error:
        log.info("A live connection was gone before it was closed: %s", error)


def _server_stops() -> bool:
    """Tell whether uvicorn was asked to stop: it waits for open answers, and a stream would keep it waiting."""
    handler = signal.getsignal(signal.SIGTERM)
    return bool(getattr(getattr(handler, "__self__", None), "should_exit", False))
