"""Whether this process lives, and whether the installation can do its work: what probes and load balancers ask.

Anybody may ask, so the answers name no versions, addresses or errors: what is behind a sentence stands in the logs.
What is missing is named by its part (``database``, ``broker``, ``worker``, ``sweep``).
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents.engine.sweep import swept_lately
from agents.engine.workers import living_workers
from workspaces.database import release_connection

log = logging.getLogger(__name__)

BROKER_SECONDS: Final = 1.0
DATABASE_AWAY = "The database cannot be reached: look at DATABASE_URL and at the server."
NOT_MIGRATED = "The database is not migrated: run manage.py migrate as the owner of the tables."
BROKER_AWAY = "The broker cannot be reached: look at REDIS_URL and at the server. Work goes on slowly without it."
NO_WORKER = "No worker was seen lately: start one with celery -A config.celery worker --pool threads."
NO_SWEEP = "Nobody swept lately: start a worker, or manage.py scheduler."


@login_not_required
@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """Answer that this process answers: no database, no broker."""
    return JsonResponse({"alive": True})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 where everything needed is there, else 503 with a sentence for each part that is missing.

    ``?part=web`` leaves workers and sweep out: what a load balancer asks of a process that shows pages, which people
    need most when the workers are gone.
    """
    missing = _database()
    if request.GET.get("part") != "web" and not missing:
        missing |= _work()
    release_connection()
    missing |= _broker()
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)


def _database() -> dict[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return {"database": NOT_MIGRATED}
            cursor.execute("SELECT app, name FROM django_migrations")
            return {} if known_migrations() <= set(cursor.fetchall()) else {"database": NOT_MIGRATED}
    except DatabaseError as error:
        log.warning("The database is not ready: %s", error)
        return {"database": DATABASE_AWAY}


@lru_cache(maxsize=1)
def known_migrations() -> frozenset[tuple[str, str]]:
    """Return app and name of every migration of this release; read from the files once a process."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _broker() -> dict[str, str]:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        log.warning("The broker is not ready: %s", error)
        return {"broker": BROKER_AWAY}
    return {}


def _work() -> dict[str, str]:
    looks: dict[str, tuple[Callable[[], bool], str]] = {
        "worker": (lambda: living_workers().exists(), NO_WORKER),
        "sweep": (swept_lately, NO_SWEEP),
    }
    try:
        return {part: sentence for part, (is_there, sentence) in looks.items() if not is_there()}
    except DatabaseError as error:
        log.warning("The database is not ready: %s", error)
        return {"database": DATABASE_AWAY}
