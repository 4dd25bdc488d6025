"""Made-up schedules for the page that shows every component."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from workspaces.console.samples import HERE, ago
from workspaces.console.schedule_shapes import Scheduled, SchedulePage, ScheduleRow

STOPPED = (
    "It has stopped: Reviewer, with whose rights it runs, may no longer give tasks to Support desk. An owner can give "
    "that right back and turn it on, or make a schedule of their own."
)
CLOCKS = (
    "On 28 March 2027 the clocks of Europe/Berlin skip 02:30: it starts at 03:00 instead.",
    "On 31 October 2027 the clocks of Europe/Berlin show 02:30 twice: it starts the first time only.",
)


def schedule_rows() -> list[ScheduleRow]:
    """Return one that is on, one that left its last time out, and one that has stopped."""
    soon = timezone.now() + timedelta(hours=5)
    said: dict[str, Any] = {"url": HERE, "agent": "Support desk", "zone": "Europe/Berlin"}
    skipped = "2026-12-01 07:30 UTC: its earlier run was still under way."
    return [
        ScheduleRow(title="Answer what came in.", cron="30 2 * * *", next_at=soon, last_at=ago(hours=19), **said),
        ScheduleRow(
            title="Look through the open refunds and say which of them wait for longer than a week, with the reason",
            cron="*/15 8-18 * * MON-FRI", next_at=soon, last_at=ago(hours=2), reason=skipped, **said,
        ),
        ScheduleRow(title="Close the month.", cron="0 18 L * *", on=False, reason=STOPPED, **said),
    ]  # fmt: skip


def scheduled() -> Scheduled:
    """Return what is scheduled for an agent."""
    return Scheduled(rows=schedule_rows(), new_url=HERE)


def schedule_page(stopped: bool = False) -> SchedulePage:
    """Return one schedule, on or stopped."""
    now = timezone.now()
    times = [(f"{(now + timedelta(days=n)):%a %-d %b %Y}, 02:30", now + timedelta(days=n)) for n in range(1, 6)]
    return SchedulePage(
        row=schedule_rows()[2 if stopped else 0],
        text="Answer what came in overnight. Promise nothing, and say where something is missing.",
        overlap="Skip that time",
        catch_up="Start once, for the latest",
        environment="live",
        created_by="Reviewer",
        created_at=ago(days=3),
        agent_url=HERE,
        times=() if stopped else times,
        clock_changes=CLOCKS,
        switch_url=HERE,
    )
