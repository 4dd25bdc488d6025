"""Many tasks for one agent at once: the rights are looked at once, and the rows written by a few statements."""

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
    runs = [_run(version, body, by, environment, priority) for body in bodies]
    first = _first_step(version)
    with transaction.atomic():
        _write(runs, version, first, actor_text(by))
        _tell(runs, first[0])
    return [run.id for run in runs]


def _write(runs: list[Run], version: AgentVersion, first: tuple[str, str], actor: str) -> None:
    salts = [Salt(workspace_id=run.workspace_id, scope_id=run.id) for run in runs]
    steps = [_step(run, *first) for run in runs]
    Salt.objects.bulk_create(salts)
    Run.objects.bulk_create(runs)
    _allow(runs, version)
    Step.objects.bulk_create(steps)
    record_many(
        entry
        for run, salt, step in zip(runs, salts, steps, strict=True)
        for entry in _entries(run, version.number, bytes(salt.value), step, actor)
    )


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


def _run(version: AgentVersion, body: dict[str, Any], by: User, environment: str, priority: str) -> Run:
    run_id = uuid7()
    return Run(
        id=run_id,
        workspace_id=version.workspace_id,
        agent_id=version.agent_id,
        version=version,
        environment=environment,
        priority=priority,
        title=title_of(body["text"]) or version.agent.title,
        input=body,
        started_by=by,
        causes=[UUID(person) for person in by.cause_ids()],
        scopes=[version.workspace_id, version.agent_id, run_id],
        step_limit=version.step_limit,
        time_limit_seconds=version.time_limit_seconds,
        turn=1,
        open_steps=1,
    )


def _first_step(version: AgentVersion) -> tuple[str, str]:
    """Return the kind and the node of the first step."""
    if version.workflow is None:
        return StepKind.MODEL, ""
    workflow = workflow_of(version.pk)
    return KINDS[workflow.node(workflow.start).kind], workflow.start


def _step(run: Run, kind: str, node: str) -> Step:
    return Step(
        id=uuid7(),
        workspace_id=run.workspace_id,
        run=run,
        number=1,
        turn=1,
        kind=kind,
        node=node,
        visit=1 if node else 0,
        scopes=run.scopes,
        priority=run.priority,
    )


def _allow(runs: list[Run], version: AgentVersion) -> None:
    """Give each run the budget of the version, where it has one."""
    if version.budget_usd is None:
        return
    Budget.objects.bulk_create(
        Budget(
            workspace_id=run.workspace_id,
            scope_kind=BudgetScope.RUN,
            scope_id=run.id,
            name="this run",
            unit=Unit.USD,
            limit=version.budget_usd,
        )
        for run in runs
    )


def _entries(run: Run, number: int, salt: bytes, step: Step, actor: str) -> list[Entry]:
    begun = {
        "agent": str(run.agent_id),
        "version": number,
        "environment": run.environment,
        "input": salted_digest(canonical(run.input).decode(), salt),
    }
    first = {"run": str(run.id), "number": 1, "kind": str(step.kind)}
    own = run.workspace_id
    return [
        Entry(workspace_id=own, actor=actor, verb="run.queued", subject=("run", run.id), body=begun),
        Entry(workspace_id=own, actor=actor, verb="step.ready", subject=("step", step.id), body=first),
    ]


def _tell(runs: list[Run], kind: str) -> None:
    if kind in LANE:
        call_to_lane_on_commit()
    else:
        for run in runs:
            enqueue_on_commit(run.id, run.priority)
