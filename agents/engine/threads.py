"""The threads beside the work: the heartbeat that says this process lives, the sweep that finds what was lost, and
those that tell webhooks and embed collections anew, which must not keep the sweep waiting."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection

from agents.engine.flow.event import forget_signals
from agents.engine.sweep import sweep
from agents.engine.takeovers import hand_back_dropped
from agents.engine.workers import forget_workers, heartbeat, incarnation, retire
from agents.operations.emptying import empty_old_runs
from agents.states import Priority
from agents.tasks import backlog, call_to_lane, enqueue
from audit.ledger.sealing import seal_all
from audit.webhooks.courier import Courier, forget_deliveries
from memory.engine import reembed
from workspaces.operations.answers import forget_answers

log = logging.getLogger(__name__)

SEAL_EVERY = 5
"""Rounds of the sweep between two rounds of sealing."""

TELL: Final = partial(enqueue, priority=Priority.INTERACTIVE)
BATCH: Final = (partial(enqueue, priority=Priority.BATCH), partial(backlog, Priority.BATCH))
"""How workers are told of batch runs, and how many such messages wait."""
FORGET_EVERY = 60
"""Rounds between two looks for what is too old."""

FORGETTING: Final[dict[str, Callable[[], object]]] = {
    "old answers": forget_answers,
    "old runs": empty_old_runs,
    "old signals": forget_signals,
    "old workers": forget_workers,
    "sign-ins that are over": SessionStore.clear_expired,
}


class Companions:
    """Heartbeat, sweep and webhooks of one process; ``stop`` ends them and gives up the incarnation."""

    def __init__(self, *, with_heartbeat: bool = True) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._sweeping, name="sweep", daemon=True),
            threading.Thread(target=self._telling, name="webhooks", daemon=True),
            threading.Thread(target=self._embedding, name="reembedding", daemon=True),
        ]
        if with_heartbeat:
            self._threads.append(threading.Thread(target=self._beating, name="heartbeat", daemon=True))
        self._with_heartbeat = with_heartbeat

    def start(self) -> None:
        """Register this process and begin."""
        if self._with_heartbeat:
            incarnation()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, and let others take over at once what this process still holds."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)
        if self._with_heartbeat:
            retire()
            connection.close()

    def wait(self) -> None:
        """Stay until ``stop``."""
        self._stop.wait()

    def _beating(self) -> None:
        while not self._stop.wait(settings.WORKER_HEARTBEAT_SECONDS):
            _guarded("heartbeat", heartbeat)
            _guarded("look for dropped steps", hand_back_dropped)
            connection.close()

    def _sweeping(self) -> None:
        rounds = 0
        while not self._stop.wait(settings.SWEEP_SECONDS):
            rounds += 1
            _guarded("sweep", lambda: sweep(TELL, backlog, call_to_lane, batch=BATCH))
            if rounds % SEAL_EVERY == 0:
                _guarded("sealing", seal_all)
            if rounds % FORGET_EVERY == 0:
                for what, forget in FORGETTING.items():
                    _guarded(f"look for {what}", forget)
            connection.close()

    def _telling(self) -> None:
        courier, rounds = Courier(), 0
        while not self._stop.wait(settings.SWEEP_SECONDS):
            rounds += 1
            _guarded("round of webhooks", courier.round)
            if rounds % FORGET_EVERY == 0:
                _guarded("look for old deliveries", forget_deliveries)
            connection.close()
        courier.stop()

    def _embedding(self) -> None:
        while not self._stop.wait(settings.SWEEP_SECONDS):
            _guarded("round of re-embedding", lambda: reembed(self._stop.is_set))
            connection.close()


def _guarded(what: str, act: Callable[[], object]) -> None:
    """Do one round; the database may be away for a while, and a defect in one round must not end the thread."""
    try:
        act()
    except DatabaseError as error:
        log.warning("The %s could not reach the database: %s", what, error)
    except Exception:
        log.exception("A round of the %s failed", what)
