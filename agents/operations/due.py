"""Starting what is due by a schedule: the run and the schedule's next time are one transaction.

One time is dealt with at once, the oldest that is still wanted; others that passed follow in the next rounds of the
sweep. A process that dies in between leaves the schedule as it was, due; and a time that has a run cannot get another:
the database refuses it.
"""

from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from agents.errors import AgentUnavailable
from agents.models import CatchUp, Overlap, Schedule
from agents.operations.runs import Due, start_run
from agents.operations.schedules import database_now
from agents.states import Priority
from agents.times import due_after, newest_due
from workspaces.actors import System
from workspaces.errors import DomainError, Forbidden, NotFound
from workspaces.failpoints import Failpoint, reached
from workspaces.operations.authority import note

SWEEP: Final = System("sweep")
MOST: Final = 24
"""Times that passed and are still started, at most."""
LATE: Final = timedelta(minutes=2)
"""A time found later than this has been missed; the sweep comes every second."""
UNDER_WAY: Final = "its earlier run was still under way."
MISSED: Final = "nothing could be started, and times that have passed are left out."
OVER: Final = "It names no further time within 50 years."


def due_schedules(most: int) -> list[UUID]:
    """Return schedules that are due, the longest waiting first."""
    return list(Schedule.objects.due().order_by("next_at").values_list("id", flat=True)[:most])


def start_due(schedule_id: UUID) -> None:
    """Start the schedule's oldest time that is still wanted, and move on; nothing where another process is at it."""
    with transaction.atomic():
        rows = Schedule.objects.due().select_for_update(of=("self",), no_key=True, skip_locked=True)
        schedule = rows.select_related("agent", "created_by").filter(pk=schedule_id).first()
        if schedule is None or schedule.next_at is None:
            return
        found, now = schedule.next_at, database_now()
        wanted = _wanted(schedule, found, now)
        if not wanted or wanted[0] > found:
            _skip(schedule, found, "missed", MISSED)
        schedule.next_at = next(chain(wanted[1:], due_after(schedule.cron, schedule.time_zone, now)), None)
        if wanted:
            _start(schedule, wanted[0])
        if schedule.next_at is None and schedule.is_enabled:
            _end(schedule, OVER, "over")
        schedule.save()
        reached(Failpoint.SCHEDULE_STARTED)


def _wanted(schedule: Schedule, found: datetime, now: datetime) -> list[datetime]:
    """Return the times up to now for which a run is to be started."""
    passed = newest_due(schedule.cron, schedule.time_zone, found, now, MOST)
    if schedule.catch_up == CatchUp.ALL:
        return passed
    if schedule.catch_up == CatchUp.LATEST:
        return passed[-1:]
    free = schedule.runs.aggregate(last=Max("finished_at"))["last"] if schedule.overlap == Overlap.QUEUE else None
    return [at for at in passed if now - max(at, free or at) <= LATE]


def _start(schedule: Schedule, at: datetime) -> None:
    if schedule.overlap == Overlap.SKIP and schedule.runs.live().exists():
        _skip(schedule, at, "overlap", UNDER_WAY)
        return
    try:
        run = start_run(
            agent_id=schedule.agent_id,
            text=schedule.text,
            by=schedule.created_by,
            source="schedule",
            environment=schedule.environment,
            priority=Priority.BATCH,
            due=Due(schedule_id=schedule.id, at=at, causes=schedule.causes),
        )
    except (Forbidden, NotFound):
        _end(schedule, _without_rights(schedule), "forbidden")
    except AgentUnavailable as error:
        _skip(schedule, at, error.code, error.message)
    except DomainError as error:
        _skip(schedule, at, error.code, f"{error.message} {error.hint}".strip())
    else:
        schedule.last_at, schedule.reason = at, ""
        _note(schedule, "schedule.started", due_at=at.isoformat(), run=str(run.id))


def _skip(schedule: Schedule, at: datetime, code: str, reason: str) -> None:
    schedule.reason = f"{at:%Y-%m-%d %H:%M} UTC: {reason}"
    _note(schedule, "schedule.skipped", due_at=at.isoformat(), reason=code)


def _end(schedule: Schedule, reason: str, code: str) -> None:
    """Turn a schedule off that cannot go on; it says why to whoever may see it."""
    schedule.is_enabled, schedule.next_at, schedule.reason = False, None, reason
    _note(schedule, "schedule.stopped", reason=code)


def _without_rights(schedule: Schedule) -> str:
    return (
        f"It has stopped: {schedule.created_by}, with whose rights it runs, may no longer give tasks to "
        f"{schedule.agent.title}. An owner can give that right back and turn it on, or make a schedule of their own."
    )


def _note(schedule: Schedule, verb: str, **body: Any) -> None:
    note(schedule.workspace_id, SWEEP, verb, ("schedule", schedule.id), **body)
