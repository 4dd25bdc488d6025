"""Runs: starting, cancelling, pausing and releasing them."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.engine.beginning import Task, create_run, set_out, title_of
from agents.engine.control import honour_cancel
from agents.engine.flow.inputs import fitting
from agents.errors import AgentUnavailable, TicketTooLarge
from agents.models import Agent, AgentVersion, Run
from agents.states import Priority
from agents.tasks import enqueue_on_commit
from audit.ledger.recording import record
from tools.environments import connection_in
from tools.models import Environment
from workspaces.actors import actor_text
from workspaces.canonical import sanitise
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.failpoints import Failpoint, reached
from workspaces.models import User

MAX_TICKET_BYTES = 100_000


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
    data: dict[str, Any] | None = None,
    due: Due | None = None,
    priority: str = Priority.INTERACTIVE,
) -> Run:
    """Give a task to an agent, in free text and, for a workflow, as ``data``; it begins with the current version.

    In the sandbox it reaches sandbox connections only; where a run begins, it stays, and all that follows from it.
    ``priority`` says whether it goes first where work has to wait.
    Raise ``NotFound`` for agents the person may not see, ``Forbidden``, :class:`AgentUnavailable`,
    :class:`TicketTooLarge` (413) and ``InvalidInput`` (422).
    """
    version = startable_version(agent_id, by, environment)
    body = checked_task(text, source, data, version)
    causes = sorted({*map(UUID, by.cause_ids()), *(due.causes if due else ())})
    more = {"priority": priority, **({"schedule_id": due.schedule_id, "due_at": due.at} if due else {})}
    title = title_of(body["text"]) or version.agent.title
    with transaction.atomic():
        task = Task(body=body, environment=environment, started_by=by, causes=causes, title=title, more=more)
        run = create_run(version, task, by=by)
        set_out(run, by=by)
        transaction.on_commit(partial(reached, Failpoint.RUN_BEGUN))
        enqueue_on_commit(run.id, priority)
    return run


def startable_version(agent_id: UUID, by: User, environment: str) -> AgentVersion:
    """Return the version with which a run of the agent would begin now; errors are those of ``start_run``."""
    agent = startable_agent(agent_id, by)
    checked_environment(environment)
    if agent.current_version is None:
        raise AgentUnavailable(f"{agent.title} takes no tasks now.")
    _check_connections(agent.current_version, by, environment)
    return agent.current_version


def startable_agent(agent_id: UUID, by: User) -> Agent:
    """Return the agent; raise where the person may not give tasks to it, or it takes none."""
    agent = Agent.objects.visible_to(by).select_related("current_version__agent").filter(pk=agent_id).first()
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


def _check_connections(version: AgentVersion, by: User, environment: str) -> None:
    """Refuse a run that could not use all of its tools; what is taken away later, the gate finds."""
    ways = {connection_in(tool, environment) for tool in version.tools.select_related("connection__sandbox")}
    closed = sorted(way.name for way in ways if way is not None and not way.is_open_to(by))
    if closed:
        raise Forbidden(
            f"You may not use {', '.join(closed)}, which {version.agent.title} works with.",
            "Ask an owner to grant your team the right to use it.",
        )


def checked_task(text: str, source: str, data: dict[str, Any] | None, version: AgentVersion) -> dict[str, Any]:
    """Return what the run is given; a text may be left out where a workflow is given data."""
    if data is not None and version.workflow is None:
        raise InvalidInput("This agent takes a text only.", "Say it in the text.", {"data": ["It has no workflow."]})
    said = checked_text(text, may_be_empty=bool(data))
    body: dict[str, Any] = {"text": said, "source": source}
    if version.workflow is None:
        return body
    return {**body, "data": fitting(version, said, data or {})}


def checked_text(text: str, *, may_be_empty: bool = False) -> str:
    """Return the task's text as it is stored; raise where it is too long or says nothing."""
    if len(text.encode("utf-8", "replace")) > MAX_TICKET_BYTES:
        raise TicketTooLarge(
            f"A ticket may have at most {MAX_TICKET_BYTES // 1000} kB of text.", "Shorten it, or send the main part."
        )
    said = str(sanitise(text)).strip()
    if not said and not may_be_empty:
        raise InvalidInput("The ticket is empty.", "Say what is to be done.", {"text": ["This may not be empty."]})
    return said


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
