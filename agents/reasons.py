"""Why a run is not moving: every reason by name, with since when and what to do about it.

A live run always has one. A live run without any, or whose reasons should have passed by themselves long ago, is what
:mod:`agents.liveness` looks for: it is stuck, and nobody would be told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case, Exists, OuterRef, Q, Subquery, TextChoices, Value, When
from django.utils import timezone

from agents.engine.claims import DUE, FREE, RESCUE
from agents.engine.workers import alive, living_workers
from agents.models import Run, Step, Sweep, Worker
from agents.states import RunStatus, StepStatus
from approvals.models import Request
from approvals.states import RequestKind
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp
from workspaces.models import Pause, User, paused

LATE: Final = timedelta(seconds=120)
"""How long what passes by itself (a due step with a free worker, a lost worker, an expired request) may take."""
LIVE: Final = (StepStatus.READY, StepStatus.RUNNING, StepStatus.WAITING)
STEPS_SHOWN: Final = 50


class ReasonKind(TextChoices):
    CANCELLING = "cancelling", "Is being cancelled"
    CONFIRMATION = "confirmation", "Waits for a confirmation"
    PAUSE = "pause", "Paused"
    PEOPLE = "people", "Waits for people"
    BUDGET = "budget", "Waits for a budget"
    DOUBT = "doubt", "In doubt"
    TIME = "time", "Waits for a time"
    ENDPOINT = "endpoint", "Waits for a model's endpoint"
    AWAITS = "awaits", "Waits for something to happen"
    WAKING = "waking", "About to go on"
    RUNNING = "running", "Is being worked on"
    LOST = "lost", "Its worker stopped"
    QUEUED = "queued", "Waits for its turn"
    NO_WORKER = "no_worker", "No worker is running"


MOVING: Final = frozenset({ReasonKind.RUNNING, ReasonKind.QUEUED})


@dataclass(frozen=True, slots=True)
class Reason:
    """One answer. ``since`` and ``until`` are None where nothing says; ``is_stale`` means that it should be over."""

    kind: ReasonKind
    sentence: str
    hint: str = ""
    since: datetime | None = None
    until: datetime | None = None
    request: Request | None = None
    is_stale: bool = False


def reasons_of(
    run: Run, pauses: Sequence[Pause], user: User | None = None, *, beyond_pauses: bool = True
) -> list[Reason]:
    """Return why the run does not move, the weightiest first; nothing for a run that is over.

    ``pauses`` are the live ones over it; where there are some, and nobody asks what is ``beyond`` them, they are all.
    ``user`` reads the titles of the requests that they may see; None sees all.
    """
    if run.is_terminal:
        return []
    if run.is_preview:
        said = "Nothing is rolled back until somebody confirms the preview."
        return [
            Reason(ReasonKind.CONFIRMATION, said, "Read the preview, and confirm it or let it lapse.", run.created_at)
        ]
    if pauses and not beyond_pauses:
        return list(_pauses(pauses))
    asking = _people(run, user)
    found = [*_pauses(pauses), *asking]
    if asking and run.status == RunStatus.WAITING and run.cancel_requested_at is None:
        return found
    steps = _steps(run)
    asked = {reason.request.action_id for reason in found if reason.request is not None}
    for step in steps:
        found.extend(_of_step(run, step, bool(pauses), asked))
    if run.cancel_requested_at is not None:
        found.insert(0, _cancelling(run, steps))
    return found


def _steps(run: Run) -> list[Any]:
    """Return the run's live steps with what the database's clock says of them."""
    name = Worker.objects.filter(pk=OuterRef("incarnation"))
    found = run.steps.filter(status__in=LIVE).select_related("action__tool")
    told = found.annotate(
        now=ClockTimestamp(),
        owner_lives=alive(),
        owner=Subquery(name.values("name")[:1]),
        heard_of=Subquery(name.values("heartbeat_at")[:1]),
        is_held=Case(When(is_repair=True, then=paused(repair=True)), default=paused()),
    )
    return list(told.order_by("number")[:STEPS_SHOWN])


def _pauses(pauses: Iterable[Pause]) -> Iterator[Reason]:
    for pause in pauses:
        because = f" because: {pause.reason}" if pause.reason else "."
        said = f"{pause.created_by} paused this {pause.get_scope_kind_display().lower()}{because}"
        if pause.scope_kind != "run":
            said = f"{pause.created_by} paused its {pause.get_scope_kind_display().lower()}{because}"
        yield Reason(ReasonKind.PAUSE, said, "It goes on when the pause is released.", pause.created_at)


def _people(run: Run, user: User | None) -> list[Reason]:
    """Return one reason for each open request: what is in doubt first, then the oldest."""
    rows = Request.objects.open().filter(run_id=run.id).select_related("queue").defer("evidence")
    shown: Any = Value(True) if user is None else Exists(Request.objects.visible_to(user).filter(pk=OuterRef("pk")))
    told: Any = rows.annotate(now=ClockTimestamp(), shown=shown).order_by("opened_at", "id")[:STEPS_SHOWN]
    requests = sorted(told, key=lambda request: request.kind != RequestKind.SETTLE)
    return [_person(request, request.shown) for request in requests]


def _person(request: Any, shown: bool) -> Reason:
    kinds = {RequestKind.SETTLE: ReasonKind.DOUBT, RequestKind.BUDGET: ReasonKind.BUDGET}
    left = request.quorum - request.approvals
    said = f"A person must decide: {request.title.rstrip('.')}."
    hint = f"{left} of those who decide in the queue {request.queue.title} must answer before it expires."
    if not shown:
        said, hint = "People must decide, in a queue that you cannot see.", "Ask an owner who may decide there."
    stale = request.expires_at < request.now - LATE
    kind = kinds.get(request.kind, ReasonKind.PEOPLE)
    return Reason(kind, said, hint, request.opened_at, request.expires_at, request, stale)


def _cancelling(run: Run, steps: Sequence[Any]) -> Reason:
    busy = [step for step in steps if step.status == StepStatus.RUNNING and step.owner_lives]
    said = "It is being cancelled: what is running ends first." if busy else "It is being cancelled."
    asked = run.cancel_requested_at
    late = not busy and asked is not None and asked < timezone.now() - LATE
    return Reason(ReasonKind.CANCELLING, said, "Nothing need be done.", asked, is_stale=late)


def _of_step(run: Run, step: Any, is_said: bool, asked: set[Any]) -> Iterator[Reason]:
    """Say what the step waits for; ``is_said`` says that the pauses over its run are told of already."""
    if step.status == StepStatus.RUNNING:
        yield _running(step)
    elif run.cancel_requested_at is not None and not _is_rescue(step):
        return
    elif step.status == StepStatus.WAITING:
        yield from _waiting(run, step, asked)
    elif step.wake_at is not None and step.wake_at > step.now:
        yield _later(step)
    elif _is_rescue(step) or not step.is_held:
        yield _due(step)
    elif not is_said:
        yield from _pauses(Pause.objects.over(step.scopes, repair=step.is_repair).select_related("created_by"))


def _is_rescue(step: Step) -> bool:
    return step.action is not None and step.action.status in {ActionStatus.EXECUTING, ActionStatus.IN_DOUBT}


def _running(step: Any) -> Reason:
    what = f"Step {step.number} ({step.get_kind_display().lower()})"
    if step.owner_lives:
        heard = max(0, int((step.now - step.heard_of).total_seconds()))
        said = f"{what} is being carried out by {step.owner}, which was last heard of {heard} s ago."
        return Reason(ReasonKind.RUNNING, said, _may_take(step), step.started_at)
    gone = step.heard_of
    said = f"The worker {step.owner or 'of it'} stopped in the middle of {what.lower()}. Another one takes it over."
    hint = "Nothing need be done while a worker or a scheduler runs: the sweep hands it over within seconds."
    return Reason(ReasonKind.LOST, said, hint, gone, is_stale=gone is None or gone < step.now - LATE)


def _may_take(step: Any) -> str:
    """Return how long a call of the step's tool may take, where that is not the usual time."""
    seconds = step.action.tool.deadline_seconds if step.action is not None else None
    return f"One call of {step.action.tool.name} may take {seconds:,} seconds." if seconds is not None else ""


def _later(step: Any) -> Reason:
    """Name what a step that is handed back waits for: an endpoint, a budget that others hold, or another try."""
    kept, until = step.output or {}, step.wake_at
    said = step.explanation or f"Step {step.number} goes on at {until:%H:%M:%S} UTC."
    if kept.get("refused"):
        hint = "Add an endpoint to the model route, or raise the limit that is named."
        return Reason(ReasonKind.ENDPOINT, said, hint, None, until)
    if kept.get("held"):
        return Reason(ReasonKind.BUDGET, said, "It goes on when the calls that hold the budget are over.", None, until)
    tried = f" after {step.failures} failures" if step.failures > 1 else " after a failure" if step.failures else ""
    return Reason(ReasonKind.TIME, said, f"Step {step.number} is tried again{tried}, by itself.", None, until)


def _waiting(run: Run, step: Any, asked: set[Any]) -> Iterator[Reason]:
    if step.awaits and step.awaits != "budget":
        late = step.wake_at is not None and step.wake_at < step.now - LATE
        yield Reason(
            ReasonKind.AWAITS, f"{step.node}: {step.explanation}", "", step.started_at, step.wake_at, is_stale=late
        )
        return
    if step.action_id in asked:
        return
    closed = Request.objects.filter(run_id=run.id, closed_at__isnull=False).order_by("-closed_at")
    known = [closed.values_list("closed_at", flat=True).first(), step.started_at, step.created_at]
    since = max(at for at in known if at is not None)
    late = since < step.now - LATE
    said = f"What step {step.number} waited for has happened: a worker takes it up again in a moment."
    if step.action is not None and step.action.status == ActionStatus.IN_DOUBT:
        said = f"Nobody has settled what became of step {step.number}, and people are about to be asked again."
    yield Reason(ReasonKind.WAKING, said, "Nothing need be done while the sweep runs.", since, is_stale=late)


def _due(step: Any) -> Reason:
    """Say what a step that could be taken up waits for: a worker at all, or those that were due before it."""
    since = step.wake_at or step.created_at
    if not living_workers().exists():
        said = "No worker is running: start one, and the run goes on by itself."
        return Reason(ReasonKind.NO_WORKER, said, "Start a worker.", since)
    before = Q(wake_at__lt=since) | Q(wake_at=None, created_at__lt=since)
    ahead = Step.objects.filter(DUE, FREE | RESCUE, before, status=StepStatus.READY).count()
    swept = Sweep.objects.values_list("swept_at", flat=True).first()
    silent = swept is None or swept < step.now - LATE
    told = f"{ahead:,} other steps were due before it." if ahead else "It is next."
    said = f"Step {step.number} waits for a free worker. {told}"
    if silent:
        said += " Nobody has swept lately, so workers may not have been told."
    hint = "Start more workers if this lasts; look at the broker if workers are idle."
    return Reason(ReasonKind.QUEUED, said, hint, since, is_stale=not ahead and since < step.now - LATE)
