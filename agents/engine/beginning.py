"""How a run comes to be: its row, its own budget and its first step. Who may ask for one is judged above."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from agents.engine.claims import WORKER
from agents.engine.flow.moving import begin_flow
from agents.engine.turns import add_step, begin_turn
from agents.models import AgentVersion, Run
from agents.states import StepKind
from audit.ledger.recording import record
from tools.models import Budget, BudgetScope, Unit
from workspaces.actors import Actor, actor_text
from workspaces.ids import uuid7
from workspaces.models import User
from workspaces.salts import salted

MAX_TITLE: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a run is given, and for whom it works; ``causes`` are all who brought it about."""

    body: dict[str, Any]
    environment: str
    started_by: User
    causes: list[UUID]
    title: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def create_run(version: AgentVersion, task: Task, *, by: Actor) -> Run:
    """Create a queued run of ``version``, with its event."""
    run_id = uuid7()
    limits = {"step_limit": version.step_limit, "time_limit_seconds": version.time_limit_seconds}
    values: dict[str, Any] = {**limits, **task.more}
    values["scopes"] = [*values.get("scopes", [version.workspace_id, version.agent_id]), run_id]
    run = Run.objects.create(
        id=run_id,
        workspace_id=version.workspace_id,
        agent_id=version.agent_id,
        version=version,
        environment=task.environment,
        title=task.title or title_of(task.body["text"]),
        input=task.body,
        started_by=task.started_by,
        causes=task.causes,
        **values,
    )
    _record(run, by)
    return run


def _record(run: Run, by: Actor) -> None:
    body = {
        "agent": str(run.agent_id),
        "version": run.version.number,
        "environment": run.environment,
        **({"schedule": str(run.schedule_id)} if run.schedule_id else {}),
        "input": salted(run.workspace_id, run.id, run.input),
    }
    record(workspace_id=run.workspace_id, actor=actor_text(by), verb="run.queued", subject=("run", run.id), body=body)


def set_out(run: Run, *, by: Actor = WORKER, budget: Decimal | None = None) -> None:
    """Give a new run its ``budget``, else that of its version, and its first step."""
    limit = run.version.budget_usd if budget is None else budget
    if limit is not None:
        Budget.objects.create(
            workspace_id=run.workspace_id,
            scope_kind=BudgetScope.RUN,
            scope_id=run.id,
            name="this run",
            unit=Unit.USD,
            limit=limit,
        )
    if run.version.workflow is not None:
        begin_flow(run, by=by)
        return
    begin_turn(run, 1)
    add_step(run, kind=StepKind.MODEL, by=by)


def title_of(text: str) -> str:
    """Return the first words of a ticket, on one line; cut between words where there are any."""
    line = " ".join(text.split())
    if len(line) <= MAX_TITLE:
        return line
    room = line[: MAX_TITLE - 1]
    cut = room.rfind(" ", MAX_TITLE // 2)
    return room[: cut if cut > 0 else None].rstrip(" .,;:") + "…"
