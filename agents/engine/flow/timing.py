"""Standing still, and being woken: all from columns and the sweep, so that a waiting step holds nothing but its row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from agents.engine.control import wake
from agents.engine.outcomes import wait
from agents.models import Run, Step
from agents.states import StepStatus
from workspaces.database import ClockOnce, ClockTimestamp


def sleep(step: Step, until: datetime | None, *, explanation: str, awaits: str, kept: dict[str, Any]) -> None:
    """Let a running step wait for what ``awaits`` names, at most until a time; ``kept`` is added to its input."""
    known = {**step.input, **kept}
    wait(step, explanation=explanation, awaits=awaits, wake_at=until, nudged_at=ClockTimestamp(), input=known)


def now_by_database() -> datetime:
    """Return the time by the database's clock, by which waiting steps are woken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def due_timers(limit: int) -> list[UUID]:
    """Return the waiting steps whose time has come."""
    due = Step.objects.filter(status=StepStatus.WAITING, wake_at__lte=ClockOnce()).exclude(awaits="")
    return list(due.order_by("wake_at").values_list("id", flat=True)[:limit])


def wake_due(step_id: UUID) -> UUID | None:
    """Wake a waiting step whose time has come; return its run."""
    return wake_waiting(step_id, wake_at__lte=ClockTimestamp())


def wake_waiting(step_id: UUID, **still: Any) -> UUID | None:
    """Wake a step that waits, if ``still`` holds of it; return its run."""
    run_id = Step.objects.filter(pk=step_id, status=StepStatus.WAITING).values_list("run_id", flat=True).first()
    if run_id is None:
        return None
    with transaction.atomic():
        Run.objects.select_for_update(no_key=True).get(pk=run_id)
        rows = Step.objects.select_for_update(of=("self",)).filter(pk=step_id, status=StepStatus.WAITING, **still)
        step = rows.first()
        if step is None:
            return None
        wake(step)
    return run_id
