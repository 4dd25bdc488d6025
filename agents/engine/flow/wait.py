"""A ``wait`` node: stands still for a while or until a time. The sweep wakes its step; nothing is held meanwhile."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from agents.engine.clock import EARLY
from agents.engine.flow.around import Given
from agents.engine.flow.places import Place, of_node
from agents.engine.flow.timing import now_by_database, sleep
from agents.workflows.values import Failed

LONGEST: Final = timedelta(days=10 * 366)
BEGUN: Final = "begun"


@of_node
def perform(place: Place) -> Given | None:
    """Begin to wait, or go on where the time has come."""
    begun = place.step.input.get(BEGUN)
    early = place.step.input.get(EARLY) and datetime.fromisoformat(begun) > now_by_database()
    if begun and not early:
        return Given({"until": begun}, bool(place.step.input["trusted"]))
    until, trusted = (datetime.fromisoformat(begun), place.step.input["trusted"]) if begun else _until(place)
    if until - timezone.now() > LONGEST:
        raise Failed(f"It would wait until {until.isoformat()}, and may wait ten years.")
    kept = {BEGUN: until.isoformat(), "trusted": trusted}
    sleep(place.step, until, explanation=f"It waits until {until:%Y-%m-%d %H:%M:%S} UTC.", awaits="time", kept=kept)
    return None


def _until(place: Place) -> tuple[datetime, bool]:
    if place.node.until is None:
        seconds, trusted = place.resolve(place.node.for_seconds)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise Failed("It has to wait for a number of seconds, zero or more.")
        return timezone.now() + min(timedelta(seconds=min(seconds, 10**10)), LONGEST * 2), trusted
    text, trusted = place.resolve(place.node.until)
    return _instant(text), trusted


def _instant(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Failed("It has to wait until a time, such as 2026-05-01T08:00:00Z.") from error
    if found.tzinfo is None:
        raise Failed(f"The time {text} has no zone: write it such as 2026-05-01T08:00:00Z.")
    return found.astimezone(timezone.get_default_timezone())
