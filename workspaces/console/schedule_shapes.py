"""What the templates of schedules are given. See ``shapes`` for the manner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One schedule in a list; ``reason`` says why it stopped, or why nothing was started the last time."""

    title: str
    url: str
    agent: str
    cron: str
    zone: str
    on: bool = True
    reason: str = ""
    next_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What is scheduled for an agent, and where more can be."""

    rows: Sequence[ScheduleRow] = ()
    new_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage:
    """Everything about one schedule. ``times`` are the next ones, as its zone's clocks show them and exactly."""

    row: ScheduleRow
    text: str
    overlap: str
    catch_up: str
    environment: str
    created_by: str
    created_at: datetime
    agent_url: str
    times: Sequence[tuple[str, datetime]] = ()
    clock_changes: Sequence[str] = ()
    switch_url: str = ""
