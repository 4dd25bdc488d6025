"""Many tasks for one agent at once: the rights are looked at once, and the rows written by a few statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from agents.engine.beginning import title_of
from agents.engine.flow.state import workflow_of
from agents.engine.flow.visiting import KINDS
from agents.engine.lane.open import KINDS as LANE
from agents.models import AgentVersion, Run, Step
from agents.operations.runs import checked_task, startable_version
from agents.states import Priority, StepKind
from agents.tasks import call_to_lane_on_commit, enqueue_on_commit
from audit.ledger.recording import Entry, record_many, salted_digest
from tools.models import Budget, BudgetScope, Environment, Unit
from workspaces.actors import actor_text
from workspaces.alike import insert_alike
from workspaces.canonical import canonical
from workspaces.errors import InvalidInput
from workspaces.ids import uuid7
from workspaces.models import Salt, User

MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """One task: its text, and for a workflow its data."""

    text: str = ""
    data: dict[str, Any] | None = None


def start_runs(
    *,
    agent_id: UUID,
    tasks: Sequence[NewTask],
    by: User,
    source: str = "api",
    environment: str = Environment.LIVE,
    priority: str = Priority.BATCH,
) -> list[UUID]:
    """Give up to 1,000 tasks to an agent and return the runs' ids in the order given; all of them begin, or none.

    Errors are those of ``start_run``; ``InvalidInput`` names each task that cannot be begun by its place.
    """
    if not 0 < len(tasks) <= MOST:
        raise InvalidInput(f"From 1 to {MOST:,} tasks are taken at once.", "Send them in portions.")
    version = startable_version(agent_id, by, environment)
    bodies = _checked(tasks, source, version)
    begun = [_Begun(uuid7(), uuid7(), Salt._meta.get_field("value").get_default(), body) for body in bodies]
    run = _run(version, by, environment, priority)
    step = _first_step(version, run)
    with transaction.atomic():
        _write(begun, run, step, version)
        record_many(entry for one in begun for entry in _entries(one, run, step, version.number, actor_text(by)))
        _tell(begun, step.kind, priority)
    return [one.run_id for one in begun]


@dataclass(frozen=True, slots=True)
class _Begun:
    """What is a run's own, where many begin alike."""

    run_id: UUID
    step_id: UUID
    salt: bytes
    body: dict[str, Any]

    def scopes(self, run: Run) -> str:
        """Return the run's scopes, in PostgreSQL's form."""
        return f"{{{run.workspace_id},{run.agent_id},{self.run_id}}}"


def _write(begun: list[_Begun], run: Run, step: Step, version: AgentVersion) -> None:
    run_ids = [str(one.run_id) for one in begun]
    scopes = [one.scopes(run) for one in begun]
    salts = {
        "id": [str(uuid7()) for _ in begun],
        "scope_id": run_ids,
        "value": [f"\\x{one.salt.hex()}" for one in begun],
    }
    insert_alike(Salt(workspace_id=run.workspace_id), salts)
    title = version.agent.title
    titles = [title_of(one.body["text"]) or title for one in begun]
    inputs = [json.dumps(one.body) for one in begun]
    insert_alike(run, {"id": run_ids, "scopes": scopes, "title": titles, "input": inputs})
    _allow(begun, version)
    insert_alike(step, {"id": [str(one.step_id) for one in begun], "run": run_ids, "scopes": scopes})


def _checked(tasks: Sequence[NewTask], source: str, version: AgentVersion) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []
    refused: dict[str, list[str]] = {}
    for place, task in enumerate(tasks):
        try:
            bodies.append(checked_task(task.text, source, task.data, version))
        except InvalidInput as error:
            said = {f"tasks/{place}/{name}": said for name, said in error.fields.items()}
            refused |= said or {f"tasks/{place}": [error.message]}
    if refused:
        raise InvalidInput("Some tasks cannot be begun, so none was.", "Correct those that are named.", refused)
    return bodies


def _run(version: AgentVersion, by: User, environment: str, priority: str) -> Run:
    """Return what is the same of all runs."""
    return Run(
        workspace_id=version.workspace_id,
        agent_id=version.agent_id,
        version=version,
        environment=environment,
        priority=priority,
        started_by=by,
        causes=[UUID(person) for person in by.cause_ids()],
        step_limit=version.step_limit,
        time_limit_seconds=version.time_limit_seconds,
        turn=1,
        open_steps=1,
    )


def _first_step(version: AgentVersion, run: Run) -> Step:
    """Return what is the same of their first steps."""
    kind, node = StepKind.MODEL, ""
    if version.workflow is not None:
        workflow = workflow_of(version.pk)
        kind, node = KINDS[workflow.node(workflow.start).kind], workflow.start
    own = {"workspace_id": run.workspace_id, "priority": run.priority}
    return Step(**own, number=1, turn=1, kind=kind, node=node, visit=1 if node else 0)


def _allow(begun: list[_Begun], version: AgentVersion) -> None:
    """Give each run the budget of the version, where it has one."""
    if version.budget_usd is None:
        return
    Budget.objects.bulk_create(
        Budget(
            workspace_id=version.workspace_id,
            scope_kind=BudgetScope.RUN,
            scope_id=one.run_id,
            name="this run",
            unit=Unit.USD,
            limit=version.budget_usd,
        )
        for one in begun
    )


def _entries(one: _Begun, run: Run, step: Step, number: int, actor: str) -> list[Entry]:
    begun = {
        "agent": str(run.agent_id),
        "version": number,
        "environment": run.environment,
        "input": salted_digest(canonical(one.body).decode(), one.salt),
    }
    first = {"run": str(one.run_id), "number": 1, "kind": str(step.kind)}
    own = run.workspace_id
    return [
        Entry(workspace_id=own, actor=actor, verb="run.queued", subject=("run", one.run_id), body=begun),
        Entry(workspace_id=own, actor=actor, verb="step.ready", subject=("step", one.step_id), body=first),
    ]


def _tell(begun: list[_Begun], kind: str, priority: str) -> None:
    if kind in LANE:
        call_to_lane_on_commit()
    else:
        for one in begun:
            enqueue_on_commit(one.run_id, priority)
