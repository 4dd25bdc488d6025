"""Incarnations that die: forked processes that carry a run on until a named failpoint kills them."""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connections

from agents.engine.sweep import sweep
from agents.engine.workers import incarnation
from agents.models import Run, Worker
from tests.desks import Office
from tests.unit.ledger.conftest import witness_path
from tests.unit.ledger.flushing import flush_past_the_ledger
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, acting, dying_at

__all__ = ["flush_past_the_ledger", "witness_path"]

COUNT_CHANGES = """
CREATE TABLE changes (customer bigint);
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO changes VALUES (new.id); RETURN NULL; END $$;
CREATE TRIGGER count_changes AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION count_change();
"""


def killed(work: Callable[[], object]) -> bool:
    """Do ``work`` in a process of its own; return whether it was killed in the middle."""
    connections.close_all()
    process = multiprocessing.get_context("fork").Process(target=_and_leave, args=(work,))
    process.start()
    process.join(180)
    assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode
    return process.exitcode == -signal.SIGKILL


def _and_leave(work: Callable[[], object]) -> None:
    """Leave without cleaning up what belongs to the parent: its connections, its servers, its fixtures."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@dataclass
class Theatre:
    """A desk whose changes are counted at the CRM itself, and workers that die on cue."""

    desk: Office
    customer: int
    deaths: list[Failpoint] = field(default_factory=list)

    def perform(self, work: Callable[[], object], point: Failpoint, nth: int = 1) -> bool:
        """Let a worker of its own do ``work`` and die at ``point``; its silence is then as long as a dead one's."""

        def act() -> None:
            with acting(dying_at(point, nth=nth)):
                work()

        if not killed(act):
            return False
        self.deaths.append(point)
        self.bury()
        return True

    def bury(self) -> None:
        """Let all other workers have been silent for as long as dead ones."""
        Worker.objects.exclude(pk=incarnation()).update(heartbeat_at=ClockTimestamp() - timedelta(days=1))

    @property
    def changes(self) -> int:
        """How often the CRM changed the customer."""
        found = self.desk.crm.connection.execute(
            "SELECT count(*) AS n FROM changes WHERE customer = %s", [self.customer]
        )
        return dict(found.fetchone())["n"]

    def rest(self, run: Run) -> Run:
        """Carry the run on; a killed sweep's lock is gone as soon as the server has noticed."""
        while not sweep(lambda _run: None):
            pass
        return self.desk.rest(run)


@pytest.fixture
def theatre(transactional_db, desk, settings, witness_path):
    settings.WORKER_DEAD_AFTER_SECONDS = 600
    database = desk.crm.connection
    database.execute(COUNT_CHANGES)
    yield Theatre(desk, desk.crm.anybody("standard")["id"])
    database.execute("DROP TABLE changes; DROP FUNCTION count_change CASCADE")
