"""When a cron expression falls due, in a time zone whose clocks are put forward and back.

The library keeps to Debian's cron: a fixed time that the clocks skip falls due when they go on, one that they show
twice falls due the first time. Where minutes or hours begin with ``*``, real minutes and hours count. Everything here
is aware UTC; expressions have five fields, so that nothing falls due more often than once a minute.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from workspaces.errors import InvalidInput

FIELDS: Final = 5
LONGEST: Final = 100
SHIFT: Final = timedelta(hours=3)
"""More than clocks are put forward or back at once."""
YEAR: Final = timedelta(days=366)
NO_PLACES: Final = frozenset({"localtime", "Factory"})


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of all time zones, sorted."""
    return tuple(sorted(available_timezones() - NO_PLACES))


def check_times(cron: str, zone: str, now: datetime) -> None:
    """Raise ``InvalidInput`` unless the expression can be read, names a time to come, and the zone is one."""
    if zone not in time_zones():
        raise _invalid("time_zone", f"There is no time zone {zone[:60]!r}.", "Use a name such as Europe/Berlin.")
    hint = "Use five fields: minute, hour, day of the month, month, day of the week, such as 30 8 * * 1-5."
    if len(cron) > LONGEST or len(cron.split()) != FIELDS:
        raise _invalid("cron", "A cron expression has five fields, in at most 100 characters.", hint)
    try:
        first = next(due_after(cron, zone, now), None)
    except CronSimError as error:
        raise _invalid("cron", f"This cron expression cannot be read: {str(error).lower()}.", hint) from error
    if first is None:
        raise _invalid("cron", "This cron expression names no time within 50 years.", hint)


def _invalid(field: str, message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint, {field: [f"{message} {hint}"]})


def due_after(cron: str, zone: str, moment: datetime) -> Iterator[datetime]:
    """Yield the times after ``moment``, each once, in order."""
    last = moment
    for local in CronSim(cron, moment.astimezone(ZoneInfo(zone))):
        found = local.astimezone(UTC)
        if found > last:  # the first of two equal times lies before a moment within the second
            last = found
            yield found


def upcoming(cron: str, zone: str, moment: datetime, count: int = 5) -> list[datetime]:
    """Return the next ``count`` times after ``moment``."""
    return list(islice(due_after(cron, zone, moment), count))


def newest_due(cron: str, zone: str, since: datetime, until: datetime, most: int) -> list[datetime]:
    """Return the times from ``since`` to ``until``, in order; of many the last ``most``, found from the end."""
    found: set[datetime] = set()
    for local in CronSim(cron, (until + SHIFT).astimezone(ZoneInfo(zone)), reverse=True):
        at = local.astimezone(UTC)
        if at < since or len(found) == most:
            break
        if at <= until:
            found.add(at)
    return sorted(found)


def clock_changes(cron: str, zone: str, now: datetime) -> list[str]:
    """Say what becomes of the times that the clocks will skip or show twice within a year."""
    if cron.split()[1] == "*":  # it goes by the hour, whatever the clocks show
        return []
    sentences = (_sentence(cron, zone, change) for change in _changes(zone, now, now + YEAR))
    return [sentence for sentence in sentences if sentence]


def _changes(zone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the minutes at which the zone's clocks are put forward or back."""
    place = ZoneInfo(zone)
    day = since.replace(second=0, microsecond=0)
    while day < until:
        low, high = day, day + timedelta(days=1)
        if low.astimezone(place).utcoffset() != high.astimezone(place).utcoffset():
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
                same = middle.astimezone(place).utcoffset() == day.astimezone(place).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        day += timedelta(days=1)


def _sentence(cron: str, zone: str, change: datetime) -> str:
    place = ZoneInfo(zone)
    after = change.astimezone(place).replace(tzinfo=None)
    before = after + (_offset(place, change - timedelta(minutes=1)) - _offset(place, change))
    begin, end = min(before, after), max(before, after)
    hit = next(CronSim(cron, begin - timedelta(seconds=1)), end)
    if hit >= end:
        return ""
    shown = f"{begin.day} {begin:%B %Y} the clocks of {zone}"
    minute, hour = cron.split()[:2]
    fixed = not minute.startswith("*") and not hour.startswith("*")
    if before < after:
        then = f"it starts at {after:%H:%M} instead" if fixed else "nothing starts for those times"
        return f"On {shown} skip {hit:%H:%M}: {then}."
    return f"On {shown} show {hit:%H:%M} twice: it starts {'the first time only' if fixed else 'both times'}."


def _offset(place: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(place).utcoffset() or timedelta(0)
