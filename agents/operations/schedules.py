"""Schedules: setting them up, changing them, and turning them off. The sweep starts what is due."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from agents.models import Agent, CatchUp, Overlap, Schedule
from agents.operations.runs import checked_environment, checked_text, startable_agent
from agents.times import check_times, upcoming
from tools.models import Environment
from workspaces.access import role_in
from workspaces.errors import Forbidden, InvalidInput, NotFound
from workspaces.models import Role, User
from workspaces.operations.authority import note
from workspaces.salts import salted

CHANGEABLE: Final = frozenset({"text", "cron", "time_zone", "overlap", "catch_up", "is_enabled"})
CHOICES: Final[dict[str, Any]] = {"overlap": Overlap, "catch_up": CatchUp}


def database_now() -> datetime:
    """Return what time it is by the database, which is the one clock for what is due."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def create_schedule(
    *,
    agent_id: UUID,
    text: str,
    cron: str,
    time_zone: str,
    by: User,
    overlap: str = Overlap.SKIP,
    catch_up: str = CatchUp.LATEST,
    environment: str = Environment.LIVE,
) -> Schedule:
    """Give a task again and again, with ``by``'s rights at each time; raise as ``start_run``, and for odd times."""
    agent, now = startable_agent(agent_id, by), database_now()
    said = _checked({"text": text, "cron": cron, "overlap": overlap, "catch_up": catch_up})
    checked_environment(environment)
    check_times(cron, time_zone, now)
    with transaction.atomic():
        schedule = Schedule.objects.create(
            workspace_id=agent.workspace_id,
            agent=agent,
            time_zone=time_zone,
            environment=environment,
            next_at=upcoming(cron, time_zone, now, 1)[0],
            causes=[UUID(person) for person in by.cause_ids()],
            created_by=by,
            **said,
        )
        _note(schedule, by, "schedule.created", agent=str(agent.id), **_told(schedule, CHANGEABLE | {"environment"}))
    return schedule


def change_schedule(*, schedule_id: UUID, by: User, **changes: Any) -> Schedule:
    """Change what is named (text, cron, time_zone, overlap, catch_up, is_enabled); the rest stays as it is.

    It goes on with the rights of who made it, so nobody but them and the workspace's owners may change it; whoever does
    is a cause of what comes of it. Enabling begins with the next time from now on.
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise InvalidInput(f"{', '.join(sorted(unknown))} of a schedule cannot be changed.", "Make a new one.")
    with transaction.atomic():
        schedule = _changeable(schedule_id, by)
        changes = {name: value for name, value in _checked(changes).items() if value != getattr(schedule, name)}
        if changes:
            _apply(schedule, changes, by)
    return schedule


def _changeable(schedule_id: UUID, by: User) -> Schedule:
    rows = Schedule.objects.visible_to(by).select_for_update(of=("self",), no_key=True)
    schedule = rows.select_related("agent", "created_by").filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound("There is no such schedule.", "Choose one from the list of schedules.")
    if not may_change(schedule, by):
        raise Forbidden(f"Only {schedule.created_by} and owners may change this schedule.", "Ask one of them.")
    return schedule


def may_change(schedule: Schedule, user: User) -> bool:
    """Tell whether ``user`` made the schedule and may still give tasks to its agent, or owns the workspace."""
    if role_in(user, schedule.workspace_id) == Role.OWNER:
        return True
    return schedule.created_by_id == user.id and Agent.objects.startable_by(user).filter(pk=schedule.agent_id).exists()


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes as they are stored."""
    _check_choices(changes)
    found = dict(changes)
    if "text" in found:
        found["text"] = checked_text(found["text"])
    if "cron" in found:
        found["cron"] = " ".join(found["cron"].split())
    return found


def _check_choices(values: dict[str, Any]) -> None:
    for name, choices in CHOICES.items():
        if name in values and values[name] not in choices.values:
            raise InvalidInput("There is no such rule.", "", {name: [f"Choose {' or '.join(choices.values)}."]})


def _apply(schedule: Schedule, changes: dict[str, Any], by: User) -> None:
    now = database_now()
    for name, value in changes.items():
        setattr(schedule, name, value)
    check_times(schedule.cron, schedule.time_zone, now)
    if changes.get("is_enabled"):
        _check_maker(schedule)
        schedule.reason = ""
    if not schedule.is_enabled:
        schedule.next_at = None
    elif changes.keys() & {"is_enabled", "cron", "time_zone"}:
        schedule.next_at = upcoming(schedule.cron, schedule.time_zone, now, 1)[0]
    schedule.causes = sorted({*schedule.causes, *map(UUID, by.cause_ids())})
    schedule.save()
    _note(schedule, by, _verb(changes), **_told(schedule, changes.keys()))


def _check_maker(schedule: Schedule) -> None:
    """Raise unless whoever made it may give tasks to the agent: it would stop again at once."""
    try:
        startable_agent(schedule.agent_id, schedule.created_by)
    except (Forbidden, NotFound) as error:
        raise Forbidden(
            f"{schedule.created_by}, with whose rights it runs, may not give tasks to {schedule.agent.title}.",
            "Give them that right, or make a schedule of your own.",
        ) from error


def _verb(changes: dict[str, Any]) -> str:
    if changes.keys() != {"is_enabled"}:
        return "schedule.changed"
    return "schedule.enabled" if changes["is_enabled"] else "schedule.disabled"


def _told(schedule: Schedule, names: Any) -> dict[str, Any]:
    """Return what the ledger is told of these fields: the text by its salted digest alone."""
    told = {name: getattr(schedule, name) for name in sorted(names) if name != "text"}
    if "text" in names:
        told["text"] = salted(schedule.workspace_id, schedule.id, schedule.text)
    return told


def _note(schedule: Schedule, by: User, verb: str, **body: Any) -> None:
    note(schedule.workspace_id, by, verb, ("schedule", schedule.id), **body)
