"""The liveness check: which runs neither move nor wait for anything that has a name.

By definition that is a live run without a reason, or whose every reason should have passed by itself long ago. There
should never be one; each is a defect, and the alarm that says so is the only way that anybody would hear of it.
"""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from agents.engine.claims import DUE, FREE, RESCUE
from agents.engine.workers import living_workers
from agents.models import Run, Step, Worker
from agents.reasons import LATE, Reason, reasons_of
from agents.states import RunKind, RunStatus, StepKind, StepStatus
from approvals.models import Request
from workspaces.database import ClockTimestamp
from workspaces.models import Pause, paused

MOST_EXAMINED: Final = 200
NAMED: Final = (StepKind.EVENT, StepKind.CHILD, StepKind.PERSON)
"""Kinds of steps that wait for what their row names, for as long as that takes."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A run that stands still, and what is said of it, which is nothing or what should be over."""

    run: Run
    reasons: tuple[Reason, ...]


def stuck_runs(most: int = MOST_EXAMINED) -> list[Stuck]:
    """Return the runs that neither move nor wait for something named, of the ``most`` oldest that are suspected."""
    suspects = suspected().order_by("created_at").select_related("agent")[:most]
    found = [Stuck(run, tuple(reasons_of(run, list(_pauses(run))))) for run in suspects]
    return [one for one in found if all(reason.is_stale for reason in one.reasons)]


def suspected() -> "QuerySet[Run]":
    """Return the live runs that nothing plain excuses: one statement, whose answer is empty when all is well."""
    late = ClockTimestamp() - LATE
    own = Step.objects.filter(run_id=OuterRef("pk"))
    kept = own.filter(run__cancel_requested_at=None)
    heard_of = Exists(Worker.objects.filter(pk=OuterRef("incarnation"), heartbeat_at__gt=late))
    busy = Exists(own.filter(heard_of, status=StepStatus.RUNNING))
    soon = Exists(kept.filter(status__in=[StepStatus.READY, StepStatus.WAITING], wake_at__gt=late))
    new = Exists(kept.filter(Q(created_at__gt=late) | Q(started_at__gt=late), status=StepStatus.WAITING))
    requests = Request.objects.filter(run_id=OuterRef("pk"))
    answered = Q(Exists(kept.filter(status=StepStatus.WAITING))) & Q(Exists(requests.filter(closed_at__gt=late)))
    asked = answered | Q(Exists(requests.filter(closed_at=None, expires_at__gt=late)))
    stopped = Q(cancel_requested_at__gt=late) | Q(kind=RunKind.ROLLBACK, status=RunStatus.WAITING, turn=0)
    repair = Q(kind=RunKind.ROLLBACK)
    held = (repair & Q(paused(repair=True))) | (~repair & Q(paused()))
    untimed = Exists(kept.filter(status=StepStatus.WAITING, kind__in=NAMED, wake_at=None).exclude(awaits=""))
    excused = Q(busy) | Q(soon) | Q(new) | Q(untimed) | asked | Q(_in_line(kept))
    return Run.objects.live().filter(created_at__lt=late).exclude(excused | stopped | held)


def _in_line(own: "QuerySet[Step]") -> Exists:
    """Return the condition that a pause holds a step of the run, that it is due and not the next, or nobody works."""
    due = Step.objects.filter(DUE, FREE | RESCUE, status=StepStatus.READY)
    first = due.order_by(Coalesce("wake_at", "created_at")).values("pk")[:1]
    ready = own.filter(status=StepStatus.READY)
    return Exists(ready.filter(~FREE | ~Q(pk=Subquery(first)) | ~Q(Exists(living_workers()))))


def _pauses(run: Run) -> "QuerySet[Pause]":
    return Pause.objects.over(run.scopes, repair=run.is_repair).select_related("created_by")
