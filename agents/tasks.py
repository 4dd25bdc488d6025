"""Celery tasks. A message says only that a run may have work; twice, late or never is harmless."""

import logging
from uuid import UUID

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from agents.engine.drive import drive
from agents.engine.lane import calls
from agents.engine.lane.ride import ride
from agents.models import Run
from agents.states import Priority

log = logging.getLogger(__name__)


@shared_task(name="agents.drive_run", ignore_result=True)
def drive_run(run_id: str) -> None:
    """Carry a run on."""
    if drive(UUID(run_id)):
        _tell(UUID(run_id))


@shared_task(name="agents.ride_lane", ignore_result=True)
def ride_lane() -> None:
    """Carry on, many at once, runs whose next steps only compute."""
    calls.heed()
    if ride(call=call_to_lane, tell=_tell):
        call_to_lane()


def call_to_lane() -> None:
    """Call a worker to the fast lane, unless one has been called that has not come yet."""
    try:
        if calls.is_first():
            ride_lane.delay()
    except (OperationalError, RedisError) as error:
        log.warning("The broker did not take a message; the sweep will find the runs: %s", error)


def enqueue(run_id: UUID, priority: str = "") -> None:
    """Tell the workers that a run may have work; its ``priority``, which chooses the queue, is looked up if need be."""
    known = priority or Run.objects.filter(pk=run_id).values_list("priority", flat=True).first()
    drive_run.apply_async([str(run_id)], queue=_queue(known or Priority.INTERACTIVE))


def backlog(priority: str = Priority.INTERACTIVE) -> int:
    """Return how many messages wait for a worker in the queue of a priority."""
    with current_app.connection_or_acquire() as connection, connection.channel() as channel:
        return int(channel.queue_declare(_queue(priority)).message_count)


def _queue(priority: str) -> str:
    """Return the queue whose messages workers take in turn with the other's, whichever has more."""
    return str(settings.BATCH_QUEUE if priority == Priority.BATCH else current_app.conf.task_default_queue)


def enqueue_on_commit(run_id: UUID, priority: str = "") -> None:
    """Tell the workers when the surrounding transaction commits; a broker that is down is left to the sweep."""

    transaction.on_commit(lambda: _tell(run_id, priority))


def call_to_lane_on_commit() -> None:
    """Call a worker to the fast lane when the surrounding transaction commits."""
    transaction.on_commit(call_to_lane)


def _tell(run_id: UUID, priority: str = "") -> None:
    try:
        enqueue(run_id, priority)
    except OperationalError as error:
        log.warning("The broker did not take a message; the sweep will find the run: %s", error)
