"""Runs: starting, cancelling, pausing and releasing them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.engine.control import honour_cancel
from agents.engine.turns import add_step, begin_turn
from agents.errors import AgentUnavailable, TicketTooLarge
from agents.models import Agent, Run
from agents.states import StepKind
from agents.tasks import enqueue_on_commit
from audit.ledger.recording import record
from tools.models import Budget, BudgetScope, Environment, Unit
from workspaces.actors import actor_text
from workspaces.canonical import sanitise
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.ids import uuid7
from workspaces.models import User
from workspaces.salts import salted

MAX_TICKET_BYTES = 100_000
MAX_TITLE = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The time of a schedule for which a run is started, and who has a part in that schedule."""

    schedule_id: UUID
    at: datetime
    causes: list[UUID]


def start_run(
    *,
    agent_id: UUID,
    text: str,
    by: User,
    source: str = "console",
    environment: str = Environment.LIVE,
    due: Due | None = None,
) -> Run:
    """Give a task in free text to an agent; the run begins with the agent's current version.

    In the sandbox it reaches sandbox connections only; where a run begins, it stays, and all that follows from it.
    Raise ``NotFound`` for agents the person may not see, ``Forbidden``, :class:`AgentUnavailable`,
    :class:`TicketTooLarge` (413) and ``InvalidInput`` (422).
    """
    agent = startable_agent(agent_id, by)
    said = checked_text(text)
    checked_environment(environment)
    with transaction.atomic():
        run = _create(agent, said, by, source, environment, due)
        _set_up_budget(run)
        begin_turn(run, 1)
        add_step(run, kind=StepKind.MODEL, by=by)
        enqueue_on_commit(run.id)
    return run


def _set_up_budget(run: Run) -> None:
    if run.version.budget_usd is not None:
        Budget.objects.create(
            workspace_id=run.workspace_id,
            scope_kind=BudgetScope.RUN,
            scope_id=run.id,
            name="this run",
            unit=Unit.USD,
            limit=run.version.budget_usd,
        )


def startable_agent(agent_id: UUID, by: User) -> Agent:
    """Return the agent; raise where the person may not give tasks to it, or it takes none."""
    agent = Agent.objects.visible_to(by).select_related("current_version").filter(pk=agent_id).first()
    if agent is None:
        raise NotFound("There is no such agent.", "Choose one from the list of agents.")
    if not Agent.objects.startable_by(by).filter(pk=agent.pk).exists():
        raise Forbidden(f"You may not give tasks to {agent.title}.", "Ask an owner to grant it to your team.")
    if not agent.is_enabled or agent.current_version is None:
        raise AgentUnavailable(
            f"{agent.title} takes no tasks now.", "It is disabled or has no version: an owner can change that."
        )
    return agent


def checked_environment(environment: str) -> None:
    """Raise unless there is such an environment."""
    if environment not in Environment.values:
        raise InvalidInput(
            "There is no such environment.", "Choose live or sandbox.", {"environment": ["Choose live or sandbox."]}
        )


def checked_text(text: str) -> str:
    """Return the task's text as it is stored; raise where it is too long or says nothing."""
    if len(text.encode("utf-8", "replace")) > MAX_TICKET_BYTES:
        raise TicketTooLarge(
            f"A ticket may have at most {MAX_TICKET_BYTES // 1000} kB of text.", "Shorten it, or send the main part."
        )
    said = str(sanitise(text)).strip()
    if not said:
        raise InvalidInput("The ticket is empty.", "Say what is to be done.", {"text": ["This may not be empty."]})
    return said


def _create(agent: Agent, text: str, by: User, source: str, environment: str, due: Due | None) -> Run:
    version = agent.current_version
    if version is None:
        raise AgentUnavailable(f"{agent.title} takes no tasks now.")
    run_id = uuid7()
    body: dict[str, Any] = {"text": text, "source": source}
    run = Run.objects.create(
        id=run_id,
        workspace_id=agent.workspace_id,
        agent=agent,
        version=version,
        environment=environment,
        title=title_of(text),
        input=body,
        started_by=by,
        causes=sorted({*map(UUID, by.cause_ids()), *(due.causes if due else ())}),
        schedule_id=due.schedule_id if due else None,
        due_at=due.at if due else None,
        scopes=[agent.workspace_id, agent.id, run_id],
        step_limit=version.step_limit,
    )
    _tell_queued(run, by, due)
    return run


def _tell_queued(run: Run, by: User, due: Due | None) -> None:
    body: dict[str, Any] = {
        "agent": str(run.agent_id),
        "version": run.version.number,
        "environment": run.environment,
        "input": salted(run.workspace_id, run.id, run.input),
    }
    if due is not None:
        body["schedule"] = str(due.schedule_id)
    record(workspace_id=run.workspace_id, actor=actor_text(by), verb="run.queued", subject=("run", run.id), body=body)


def title_of(text: str) -> str:
    """Return the first words of a ticket, on one line; cut between words where there are any."""
    line = " ".join(text.split())
    if len(line) <= MAX_TITLE:
        return line
    room = line[: MAX_TITLE - 1]
    cut = room.rfind(" ", MAX_TITLE // 2)
    return room[: cut if cut > 0 else None].rstrip(" .,;:") + "…"


def controllable_run(run_id: UUID, by: User, what: str) -> Run:
    """Return the run; raise ``NotFound`` where the person may not see it and ``Forbidden`` where only see it."""
    run = Run.objects.visible_to(by).select_related("agent", "version").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.", "Choose one from the list of runs.")
    if not Run.objects.controllable_by(by).filter(pk=run.pk).exists():
        raise Forbidden(f"You may not {what} runs of {run.agent.title}.", "Ask an owner to grant it to your team.")
    return run


def cancel_run(*, run_id: UUID, by: User) -> Run:
    """Ask for the run's end: what has not begun is cancelled now, what is running ends at its next boundary."""
    run = controllable_run(run_id, by, "cancel")
    if run.is_terminal:
        raise StaleState(f"This run has {run.get_status_display().lower()} already.", "There is nothing to cancel.")
    with transaction.atomic():
        asked = Run.objects.filter(pk=run.pk, cancel_requested_at=None).update(cancel_requested_at=timezone.now())
        if asked:
            record(
                workspace_id=run.workspace_id,
                actor=actor_text(by),
                verb="run.cancel_requested",
                subject=("run", run.id),
            )
        honour_cancel(run.id)
    run.refresh_from_db()
    return run
