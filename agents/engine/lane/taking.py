"""Taking runs onto the lane: the oldest that are due, each claimed under this process's incarnation."""

import json
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from agents.engine.claims import WORKER
from agents.engine.lane.carried import Carried, Claimed
from agents.engine.lane.statements import TAKE, ask, silence
from agents.engine.workers import claiming, heartbeat, incarnation, keep_driving
from agents.states import RunStatus, StepStatus
from audit.ledger.recording import Entry, record_many
from workspaces.actors import actor_text
from workspaces.failpoints import Failpoint, reached

SHARE: Final = 4
"""One of so many places of a ride is kept for batch runs that wait, and others for interactive ones."""
ACTOR: Final = actor_text(WORKER)


def take(most: int) -> list[Carried]:
    """Claim the next steps of at most ``most`` runs.

    A process that was taken for dead takes nothing until its heartbeat has given it a new incarnation.
    """
    taken = _take(most, incarnation())
    return taken if taken or heartbeat() else _take(most, incarnation())


def _take(most: int, mine: UUID) -> list[Carried]:
    with claiming():
        with transaction.atomic():
            rows = ask(TAKE, {"mine": mine, "silence": silence(), "most": most, "kept": most // SHARE})
            record_many(entry for row in rows for entry in _entries(row))
        taken = [_carried(row) for row in rows]
        keep_driving(one.run_id for one in taken)
    reached(Failpoint.LANE_TAKEN)
    return taken


def _entries(row: Any) -> list[Entry]:
    step_id, run_id, workspace_id, attempt, run_status = row[0], row[1], row[2], row[6], row[8]
    begun = {"from": run_status}
    claimed = {"from": str(StepStatus.READY), "attempt": attempt}
    entries = [
        Entry(workspace_id=workspace_id, actor=ACTOR, verb="run.running", subject=("run", run_id), body=begun),
        Entry(workspace_id=workspace_id, actor=ACTOR, verb="step.running", subject=("step", step_id), body=claimed),
    ]
    return entries[1:] if run_status == RunStatus.RUNNING else entries


def _carried(row: Any) -> Carried:
    step_id, run_id, workspace_id, number, node, visit, attempt, given, _, version_id, title, environment, said = row[
        :13
    ]
    step = Claimed(step_id, number, node, visit, attempt, json.loads(given).get("refused", ""))
    return Carried(run_id, workspace_id, version_id, title, environment, json.loads(said), row[13], step)
