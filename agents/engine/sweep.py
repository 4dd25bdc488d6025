"""The sweep: every second, find from rows alone whatever a lost message, a dead worker or the clock has left undone.

It runs as a thread in every worker; an advisory lock lets one at a time through. Each part is harmless to repeat.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from agents.engine.claims import DUE, FREE, RESCUE
from agents.engine.clock import late_runs, wake_late
from agents.engine.control import IDLE, PREVIEWS_HOLD, drop_if_over, honour_cancel, let_lapse, wake_for_action
from agents.engine.flow import child
from agents.engine.flow.joins import close_fork, closing_forks
from agents.engine.flow.person import answered
from agents.engine.flow.timing import due_timers, wake_due, wake_waiting
from agents.engine.lane.open import by_lane, lane_is_due
from agents.engine.limits import ASKING, apply_budget_decision
from agents.engine.portions import Portion, next_portion
from agents.engine.takeovers import hand_back_if_lost, lost_steps
from agents.engine.workers import bury
from agents.models import Run, Step, Sweep
from agents.operations.due import due_schedules, start_due
from agents.operations.wishes import due_wishes
from agents.states import STEP_TERMINAL, Priority, RunKind, RunStatus, StepStatus
from approvals.models import Request
from approvals.operations import expire_due, release_extended
from approvals.states import RequestKind, RequestStatus
from tools.models import Action
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp, release_connection
from workspaces.errors import StaleState
from workspaces.failpoints import Failpoint, reached

log = logging.getLogger(__name__)

LOCK = 7_246_001
FROZEN_AFTER = "30s"
"""The server ends a sweeping session that is idle for so long: its process is frozen, and must not keep the lock."""
BATCH = 500
SILENT = 30
"""Seconds without a round after which probes say that nobody sweeps."""
T = TypeVar("T")
Channel = tuple[Callable[[UUID], object], Callable[[], int]]
"""What tells workers of a run, and how many such messages wait."""
THE_ROW = UUID(int=1)
NOTE_ROUND = """
INSERT INTO agents_sweep (id, swept_at, looked_until) VALUES (%s, clock_timestamp(), %s)
ON CONFLICT (id) DO UPDATE SET swept_at = EXCLUDED.swept_at, looked_until = EXCLUDED.looked_until
"""
NUDGE_AGAIN = timedelta(seconds=5)
MAX_BACKLOG = 200
"""Messages that may wait at the broker before the sweep adds more: what nobody had time for needs no second one."""


def sweep(
    enqueue: Callable[[UUID], object],
    backlog: Callable[[], int] = lambda: 0,
    call: Callable[[], object] = lambda: None,
    *,
    batch: Channel | None = None,
) -> bool:
    """Do one round and tell workers of runs that have work; return False where another process holds the sweep.

    ``backlog`` says how many messages wait at the broker. Workers are told of no more runs than there is room for;
    the others are found again in a later round, since the rows and not the messages remember them. One ``call`` is
    enough for all runs that go by the fast lane. ``batch`` is how workers are told of batch runs, in a queue with room
    of its own; without it all runs are told of in one, interactive ones first.
    """
    bury()
    if not _round_alone():
        return False
    release_connection()
    if batch is None:
        _tell(enqueue, backlog, Priority.values)
    else:
        _tell(enqueue, backlog, [Priority.INTERACTIVE])
        _tell(*batch, [Priority.BATCH])
    if lane_is_due():
        call()
    return True


def swept_lately() -> bool:
    """Say whether a round was over in the last `SILENT` seconds (or five rounds, where those are longer)."""
    silence = timedelta(seconds=max(SILENT, 5 * settings.SWEEP_SECONDS))
    return Sweep.objects.filter(pk=THE_ROW, swept_at__gt=ClockTimestamp() - silence).exists()


def _round_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        try:
            cursor.execute("SELECT set_config('idle_session_timeout', %s, false)", [FROZEN_AFTER])
            reached(Failpoint.SWEEP_STARTED)
            portion = next_portion(THE_ROW)
            _round(portion)
            cursor.execute(NOTE_ROUND, [THE_ROW, portion.upto])
        finally:
            cursor.execute("RESET idle_session_timeout")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def _round(portion: Portion) -> None:
    _each(lost_steps(), hand_back_if_lost)
    _each([None], lambda _: expire_due())
    _each([None], lambda _: release_extended())
    _each(_waiting_for_nothing(portion), wake_for_action)
    _each(_budget_decided(portion), apply_budget_decision)
    _each(due_timers(BATCH), wake_due)
    _each(late_runs(BATCH), wake_late)
    _each(child.over(portion.rows, BATCH), wake_waiting)
    _each(answered(portion.rows, BATCH), wake_waiting)
    _each(closing_forks(portion.rows, BATCH), close_fork)
    _each(_to_cancel(), honour_cancel)
    _each(_approved_too_late(), drop_if_over)
    _each(_unconfirmed(), let_lapse)
    _each(due_schedules(BATCH), start_due)


def _each(rows: Iterable[T], act: Callable[[T], object]) -> None:
    """Do ``act`` for each row; one that fails is logged and must not keep the others from their turn."""
    for row in rows:
        try:
            act(row)
        except StaleState:
            continue
        except OperationalError:
            raise
        except Exception:
            log.exception("The sweep failed over %s", row)


def _waiting_for_nothing(portion: Portion) -> list[UUID]:
    """Return the actions that are no longer with people though their step still waits."""
    found = Step.objects.filter(portion.rows, IDLE, status=StepStatus.WAITING, action__isnull=False)
    return [action for action in found.values_list("action_id", flat=True)[:BATCH] if action is not None]


def _budget_decided(portion: Portion) -> list[UUID]:
    """Return the runs of which a step waits for more though no request about their budget is open."""
    asked = Request.objects.filter(kind=RequestKind.BUDGET, status=RequestStatus.OPEN).values("run_id")
    found = Step.objects.filter(portion.rows, ASKING, status=StepStatus.WAITING).exclude(run_id__in=asked)
    return list(found.values_list("run_id", flat=True)[:BATCH])


def _to_cancel() -> list[UUID]:
    found = Run.objects.filter(cancel_requested_at__isnull=False, finished_at=None)
    return list(found.values_list("id", flat=True)[:BATCH])


def _unconfirmed() -> list[UUID]:
    """Return the previews of rollbacks that have waited for too long."""
    old = Run.objects.filter(created_at__lt=ClockTimestamp() - PREVIEWS_HOLD)
    found = old.filter(kind=RunKind.ROLLBACK, status=RunStatus.WAITING, turn=0)
    return list(found.values_list("id", flat=True)[:BATCH])


def _approved_too_late() -> list[UUID]:
    """Return the actions in doubt that a person wants tried again though their run has ended."""
    found = Action.objects.filter(status=ActionStatus.APPROVED, attempt__gt=0, step__status__in=STEP_TERMINAL)
    return list(found.values_list("id", flat=True)[:BATCH])


def _tell(enqueue: Callable[[UUID], object], backlog: Callable[[], int], priorities: Sequence[str]) -> None:
    """Tell workers of due runs; the broker may be away or hang, so that nothing of the database is held meanwhile."""
    try:
        room = min(MAX_BACKLOG - backlog(), BATCH)
    except Exception as error:
        log.warning("The broker did not say how many messages wait: %s", error)
        return
    if room > 0:
        runs = dict.fromkeys([*_due_runs(room, priorities), *due_wishes(room)])
        reached(Failpoint.HINTS_NOTED)
        release_connection()
        _send(runs, enqueue)


def _due_runs(most: int, priorities: Sequence[str]) -> list[UUID]:
    """Return runs of these priorities with a due step that nobody was told of lately; note that they are told.

    Workspaces take turns: first comes the step of each that was untold longest, then the next of each, and so on.
    However many a workspace has, it has one place in each turn, so that nobody waits behind all of them.
    """
    with transaction.atomic():
        long_ago = Q(nudged_at=None) | Q(nudged_at__lt=ClockTimestamp() - NUDGE_AGAIN)
        longest = [F("priority").desc(), F("nudged_at").asc(nulls_first=True), F("created_at").asc()]
        place = Window(RowNumber(), partition_by="workspace_id", order_by=longest)
        due = Step.objects.filter(
            DUE, long_ago, RESCUE | (FREE & Q(run__cancel_requested_at=None)), status=StepStatus.READY
        )
        due = due.filter(priority__in=priorities).exclude(by_lane())
        chosen = list(due.annotate(place=place).order_by("place", *longest).values_list("id", flat=True)[:most])
        held = Step.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        found = dict(held.filter(long_ago, id__in=chosen, status=StepStatus.READY).values_list("id", "run_id"))
        rows = [(step, found[step]) for step in chosen if step in found]
        Step.objects.filter(id__in=[step for step, _ in rows]).update(nudged_at=ClockTimestamp())
    return [run for _, run in rows]


def _send(runs: Iterable[UUID], enqueue: Callable[[UUID], object]) -> None:
    for run_id in runs:
        try:
            enqueue(run_id)
        except Exception as error:
            log.warning("The broker did not take a message: %s", error)
            return
