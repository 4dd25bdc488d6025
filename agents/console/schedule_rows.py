"""Schedules as their pages show them: when they fall due, in their own zone and in UTC, and why one stands still."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from agents.engine.beginning import title_of
from agents.models import Agent, Schedule
from agents.operations.schedules import database_now
from agents.times import clock_changes, upcoming
from workspaces.console.asking import person_of
from workspaces.console.links import agent_url
from workspaces.console.schedule_shapes import Scheduled, SchedulePage, ScheduleRow
from workspaces.tenancy import workspace_of

ON_AGENT = 5


def schedules_of(request: HttpRequest) -> QuerySet[Schedule]:
    """Return the schedules of the current workspace that this person may see."""
    rows = Schedule.objects.visible_to(person_of(request)).filter(workspace=workspace_of(request))
    return rows.select_related("agent", "created_by")


def schedule_rows(schedules: Iterable[Schedule]) -> list[ScheduleRow]:
    """Return schedules (agent selected) as rows."""
    return [_row(schedule) for schedule in schedules]


def scheduled_for(agent: Agent, may: bool) -> Scheduled:
    """Return what is scheduled for one agent, soonest first, then what is off; ``may`` offers to schedule more."""
    rows = agent.schedules.select_related("agent").order_by(F("next_at").asc(nulls_last=True), "-id")[:ON_AGENT]
    new_url = f"{reverse('schedules:new')}?agent={agent.id}" if may else ""
    return Scheduled(rows=schedule_rows(rows), new_url=new_url)


def schedule_page(schedule: Schedule, may: bool) -> SchedulePage:
    """Return everything about one schedule; ``may`` says whether the person may change it."""
    now, zone = database_now(), schedule.time_zone
    times = upcoming(schedule.cron, zone, now) if schedule.is_enabled else []
    return SchedulePage(
        row=_row(schedule),
        text=schedule.text,
        overlap=schedule.get_overlap_display(),
        catch_up=schedule.get_catch_up_display(),
        environment=schedule.environment,
        created_by=str(schedule.created_by),
        created_at=schedule.created_at,
        agent_url=agent_url(schedule.agent_id),
        times=[(at.astimezone(ZoneInfo(zone)).strftime("%a %-d %b %Y, %H:%M"), at) for at in times],
        clock_changes=clock_changes(schedule.cron, zone, now),
        switch_url=reverse("schedules:switch", args=[schedule.id]) if may else "",
    )


def _row(schedule: Schedule) -> ScheduleRow:
    return ScheduleRow(
        title=title_of(schedule.text),
        url=reverse("schedules:show", args=[schedule.id]),
        agent=schedule.agent.title,
        cron=schedule.cron,
        zone=schedule.time_zone,
        on=schedule.is_enabled,
        reason=schedule.reason,
        next_at=schedule.next_at,
        last_at=schedule.last_at,
    )
