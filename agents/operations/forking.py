"""Forks: a run that begins where another one stood, simulated until a person lets it go on live."""

import json
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from agents.engine.beginning import Task, create_run, give_budget
from agents.engine.flow.inputs import MAX_DATA_BYTES, fitting
from agents.engine.flow.places import checked
from agents.engine.flow.state import workflow_of
from agents.engine.formats import FORKS
from agents.engine.rewinding import Written, go_on_from, recorded_steps, repeat
from agents.engine.subjects import remember_subject
from agents.errors import CannotFork, NotSimulated
from agents.models import AgentVersion, Run, Step
from agents.operations.found import controllable_run
from agents.operations.runs import check_connections, checked_text, startable_agent
from agents.states import RunKind, RunMode, StepKind
from agents.tasks import enqueue_on_commit
from agents.workflows.nodes import Branch, Model, Node
from agents.workflows.values import Failed
from audit.ledger.recording import record
from workspaces.actors import actor_text
from workspaces.canonical import sanitise
from workspaces.database import ClockTimestamp
from workspaces.errors import Forbidden, InvalidInput, NotFound, TooLarge
from workspaces.live import announce
from workspaces.models import User
from workspaces.salts import salted

A_ROLLBACK: Final = "A rollback is not forked: it undoes what is there, or does not."
EMPTIED: Final = "What this run said has been removed by its age."


def fork_run(
    *,
    run_id: UUID,
    at: int,
    by: User,
    version: int | None = None,
    message: str = "",
    state: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> Run:
    """Begin a simulated run that repeats the steps of another one up to number ``at`` and goes on from there.

    ``version`` is another one of the same agent. ``message`` is told to an agent without a workflow, ``result`` stands
    in place of what the call of step ``at`` gave; ``state`` has, for a workflow, outputs by node. Who writes them is
    their source, and they vouch for nothing. Raise ``NotFound``, ``Forbidden``, ``InvalidInput``,
    :class:`AgentUnavailable` and :class:`CannotFork` (409) with the reason.
    """
    original = controllable_run(run_id, by, "fork")
    startable_agent(original.agent_id, by)
    begun = _version(original, version)
    check_connections(begun, by, original.environment)
    said = checked_text(message) if message else ""
    _check_message(begun, said)
    with transaction.atomic():
        original = Run.objects.select_for_update(of=("self",), no_key=True).select_related("version").get(pk=run_id)
        _check(original, begun, at)
        steps = recorded_steps(original, at)
        written = Written(said, _values(steps, begun, state, result))
        return _fork(original, begun, steps, written, by)


def _fork(original: Run, version: AgentVersion, steps: list[Step], written: Written, by: User) -> Run:
    fork = _begin(original, version, steps[-1].number if steps else 0, by)
    copies = repeat(fork, steps, written, by)
    _record(fork, written, len(copies), by)
    remember_subject(fork)
    go_on_from(fork, copies, written, by)
    enqueue_on_commit(fork.id)
    return fork


def _version(run: Run, number: int | None) -> AgentVersion:
    wanted = run.version.number if number is None else number
    found = AgentVersion.objects.select_related("agent", "route").filter(agent_id=run.agent_id, number=wanted).first()
    if found is None:
        raise NotFound("There is no such version of this agent.", "Choose one from the agent's versions.")
    return found


def _check(run: Run, version: AgentVersion, at: int) -> None:
    if run.kind != RunKind.TASK:
        raise CannotFork(A_ROLLBACK, "Look at a new preview instead.")
    if run.emptied_at is not None:
        raise CannotFork(EMPTIED, "Give the task again instead.")
    if at and (version.workflow is None) != (run.version.workflow is None):
        raise CannotFork(
            "One of the versions has a workflow and the other one has none, so that steps mean something else there.",
            "Fork at the beginning (step 0).",
        )


def _check_message(version: AgentVersion, message: str) -> None:
    if message and version.workflow is not None:
        raise InvalidInput(
            "A workflow is told nothing: its state can be edited.",
            "Send state, by node.",
            {"message": ["Leave it out: this version has a workflow."]},
        )


def _values(
    steps: list[Step], version: AgentVersion, state: dict[str, Any] | None, result: dict[str, Any] | None
) -> dict[int, Any]:
    """Return what stands in place of what steps gave, by step number; raise ``InvalidInput`` where it cannot."""
    values: dict[int, Any] = {}
    if result is not None:
        if not steps or version.workflow is not None or steps[-1].recorded_action is None:
            raise _unfit("result", "A result is written in place of that of a call: choose the step of a call.")
        values[steps[-1].number] = _bounded(result)
    if state and version.workflow is None:
        raise _unfit("state", "This version has no workflow, so there are no nodes.")
    for name, value in (state or {}).items():
        values |= _output(steps, version, name, value)
    return values


def _bounded(result: dict[str, Any]) -> Any:
    kept = sanitise(result)
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_DATA_BYTES:
        raise TooLarge(f"A result that is written into a fork may have {MAX_DATA_BYTES // 1000} kB.", "Write less.")
    return kept


def _output(steps: list[Step], version: AgentVersion, name: str, value: Any) -> dict[int, Any]:
    step = next((step for step in reversed(steps) if step.node == name), None)
    try:
        node: Node | None = workflow_of(version.id).node(name)
    except LookupError:
        node = None
    if step is None or node is None:
        raise _unfit("state", f"{name}: no step of such a node is repeated here.")
    under_way = isinstance(node, Model) and (step.kind != StepKind.MODEL or "value" not in (step.output or {}))
    if isinstance(node, Branch) or under_way:
        raise _unfit("state", f"{name}: the way that a branch chose, and what is not over, cannot be edited.")
    try:
        return {step.number: checked(node, value)}
    except Failed as error:
        raise _unfit("state", f"{name}: {error}") from error


def _unfit(name: str, sentence: str) -> InvalidInput:
    return InvalidInput("This cannot stand in a fork.", "", {name: [sentence]})


def _begin(original: Run, version: AgentVersion, at: int, by: User) -> Run:
    body = {**original.input, "source": "fork"}
    if version.workflow is not None:
        body["data"] = fitting(version, body["text"], body.get("data") or {})
    else:
        body.pop("data", None)
    task = Task(
        body=body,
        environment=original.environment,
        started_by=by,
        causes=sorted({*original.causes, *map(UUID, by.cause_ids())}),
        title=original.title,
        more={"mode": RunMode.SIMULATED, "forked_from": original, "forked_at": at, "format": FORKS},
    )
    fork = create_run(version, task, by=by)
    give_budget(fork)
    return fork


def _record(fork: Run, written: Written, repeated: int, by: User) -> None:
    said = {"message": written.message, "values": {str(number): value for number, value in written.values.items()}}
    body = {
        "from": str(fork.forked_from_id),
        "at": fork.forked_at,
        "version": fork.version.number,
        "repeated": repeated,
        "written": salted(fork.workspace_id, fork.id, said),
    }
    record(workspace_id=fork.workspace_id, actor=actor_text(by), verb="run.forked", subject=("run", fork.id), body=body)


def make_live(*, run_id: UUID, by: User) -> Run:
    """Let a simulated run go on live: what it proposes from now on is real, and what it simulated stays undone.

    ``by``, a person, is a cause of what comes of it. Children that it began and that are not over go live with it.
    Raise ``NotFound``, ``Forbidden`` and :class:`NotSimulated` (409).
    """
    run = controllable_run(run_id, by, "let go live")
    if by.is_service:
        raise Forbidden("Only a person lets a simulated run go on live.", "Sign in, and do it on the run's page.")
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",), no_key=True).select_related("parent").get(pk=run.pk)
        check_live(run)
        _make_live(run, by)
    run.refresh_from_db()
    return run


def check_live(run: Run) -> None:
    """Raise with the sentence why the run does not become a live one."""
    if not run.is_simulated:
        raise NotSimulated("This run is a live one.", "Nothing need be done.")
    if run.is_terminal or run.cancel_requested_at is not None:
        raise NotSimulated("This simulated run is over.", "Fork it, and let the fork go on live.")
    if run.parent is not None and run.parent.is_simulated:
        raise NotSimulated("This run is part of a simulated one.", "Let that one go on live.")


def _make_live(run: Run, by: User) -> None:
    causes = sorted({*run.causes, *map(UUID, by.cause_ids())})
    changes: dict[str, Any] = {"mode": RunMode.LIVE, "made_live_by": by, "made_live_at": ClockTimestamp()}
    Run.objects.filter(pk=run.pk).update(causes=causes, **changes)
    record(workspace_id=run.workspace_id, actor=actor_text(by), verb="run.made_live", subject=("run", run.id))
    announce(workspace_id=run.workspace_id, kind="run", id=run.id, run_id=run.id)
    for child in run.children.live().filter(mode=RunMode.SIMULATED).select_for_update(no_key=True).order_by("id"):
        _make_live(child, by)
