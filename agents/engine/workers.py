"""Worker incarnations: one row per process, heartbeaten by its own thread.

A claim names the incarnation. One that has been silent for ``WORKER_DEAD_AFTER_SECONDS`` is dead for ever: when its
process wakes up again it finds its row stale, takes a new identity, and everything it still holds is fenced off. One
whose process is gone by the word of the kernel is dead at once.
"""

import os
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from agents.engine.formats import newest
from agents.engine.processes import born, is_gone, machine
from agents.models import Worker
from workspaces.database import ClockTimestamp
from workspaces.ids import uuid7

FORGOTTEN = timedelta(days=30)

_lock = threading.Lock()
_current: UUID | None = None
_driven: Counter[UUID] = Counter()
_claiming = threading.Lock()
_stopping = threading.Event()


def silence() -> timedelta:
    """Return how long a worker may say nothing before it is dead."""
    return timedelta(seconds=settings.WORKER_DEAD_AFTER_SECONDS)


def incarnation() -> UUID:
    """Return this process's incarnation, registering it on first use."""
    global _current
    with _lock:
        if _current is None:
            _current = _register()
        return _current


def _register() -> UUID:
    with transaction.atomic():
        pid = os.getpid()
        place: dict[str, Any] = {"machine": machine(), "pid": pid, "born": born(pid)}
        name = f"{socket.gethostname()}:{pid}"
        worker = Worker.objects.create(id=uuid7(), name=name, format=newest(), **place)
    return worker.id


def heartbeat() -> bool:
    """Say that this process lives; return False where it was dead already and has taken a new identity."""
    global _current
    mine = incarnation()
    fresh = living_workers().filter(pk=mine)
    if fresh.update(heartbeat_at=ClockTimestamp()):
        return True
    with _lock:
        _current = _register()
    return False


def _forget() -> None:
    """Begin anew in a forked process: an incarnation is one process, and none of its threads came along."""
    global _lock, _claiming, _current
    _lock, _claiming, _current = threading.Lock(), threading.Lock(), None
    _driven.clear()


os.register_at_fork(after_in_child=_forget)


def retire() -> None:
    """Say that this process stops; what it holds may be taken over at once."""
    global _current
    with _lock:
        if _current is not None:
            Worker.objects.filter(pk=_current, stopped_at=None).update(stopped_at=ClockTimestamp())
        _current = None


def forget_workers() -> int:
    """Delete incarnations that have been silent for `FORGOTTEN` (their work is long taken over); return how many."""
    return Worker.objects.filter(heartbeat_at__lt=ClockTimestamp() - FORGOTTEN).delete()[0]


@contextmanager
def driving(run_id: UUID) -> Iterator[None]:
    """Note that a thread of this process carries the run on; begun before its first claim, ended after its last."""
    keep_driving([run_id])
    try:
        yield
    finally:
        stop_driving([run_id])


def keep_driving(runs: Iterable[UUID]) -> None:
    """Note that a thread of this process carries the runs on, until it says the opposite."""
    with _lock:
        _driven.update(runs)


def stop_driving(runs: Iterable[UUID]) -> None:
    """Note that it does so no more."""
    with _lock:
        for run_id in runs:
            _driven[run_id] -= 1
            if not _driven[run_id]:
                del _driven[run_id]


@contextmanager
def claiming() -> Iterator[None]:
    """Claim steps of runs that are not known before; until they are noted as driven, nobody takes them for dropped."""
    with _claiming:
        yield


def driven() -> frozenset[UUID]:
    """Return the runs that threads of this process carry on now."""
    with _lock:
        return frozenset(_driven)


def stop_claiming() -> None:
    """Say that this process is about to stop: what is in flight ends, nothing new is claimed."""
    _stopping.set()


def stopping() -> bool:
    """Say whether this process is about to stop."""
    return _stopping.is_set()


def alive(field: str = "incarnation") -> Exists:
    """Return the condition "the incarnation in ``field`` of this row is alive", by the database's clock."""
    return Exists(living_workers().filter(pk=OuterRef(field)))


def dead(field: str = "incarnation") -> Q:
    """Return the condition "the incarnation in ``field`` of this row is proven dead"."""
    return Q(**{f"{field}__isnull": False}) & ~Q(alive(field))


def lives(mine: UUID) -> Exists:
    """Return the condition "the incarnation ``mine`` is alive", for the WHERE of a claim."""
    return Exists(living_workers().filter(pk=mine))


def living_workers() -> "models.QuerySet[Worker]":
    """Return the workers that are alive now."""
    return Worker.objects.filter(stopped_at=None, died_at=None, heartbeat_at__gt=ClockTimestamp() - silence())


def bury() -> int:
    """Note which workers of this machine are gone by the kernel's word, before they are missed; return how many."""
    here = machine()
    if not here:
        return 0
    known = living_workers().filter(machine=here, pid__isnull=False, born__isnull=False)
    rows = known.values_list("id", "pid", "born")
    gone = [worker for worker, pid, began in rows if pid and began and is_gone(pid, began)]
    return Worker.objects.filter(pk__in=gone, died_at=None).update(died_at=ClockTimestamp()) if gone else 0
