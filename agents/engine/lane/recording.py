"""One round in the rows: what became of many runs' steps, and their next steps, in one transaction.

The runs' rows are locked first, in the order of their ids. A step that this process no longer owns is lost to the
round: nothing of its run is written. What is not the lane's own (a node of another kind, a run that is another's child)
the engine does here, in the same transaction, from the rows as it would have left them.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from agents.engine.claims import WORKER
from agents.engine.flow.moving import advance_flow
from agents.engine.flow.results import text_of
from agents.engine.lane.carried import Carried, Claimed, Spot
from agents.engine.lane.statements import ADD_STEPS, END_STEPS, KINDS, LOCK, MOVE_RUNS, ask
from agents.engine.lane.thinking import Ended
from agents.engine.outcomes import lock_run
from agents.models import Step
from agents.models.step import APART
from agents.states import RunStatus, StepStatus
from agents.workflows.values import Failed, expression_of, expressions_in, resolve
from audit import telemetry
from audit.ledger.recording import Entry, array, record_many
from workspaces.actors import actor_text
from workspaces.canonical import sanitise
from workspaces.ids import uuid7
from workspaces.live import announce_runs
from workspaces.payloads import keep

ACTOR: Final = actor_text(WORKER)


@dataclass(frozen=True, slots=True)
class Standing:
    """A run as it was locked."""

    cancelled: bool
    steps_used: int
    step_limit: int
    paused: bool
    late: bool


@dataclass(slots=True)
class Round:
    """What a round writes, and what becomes of its runs: carried on, to be told to the engine, to be cancelled."""

    incarnation: UUID
    claims: bool
    new: list[tuple[Any, ...]] = field(default_factory=list)
    moved: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[Entry] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)
    onward: list[Carried] = field(default_factory=list)
    tell: list[UUID] = field(default_factory=list)
    cancel: list[UUID] = field(default_factory=list)


def write(ended: list[tuple[Carried, Ended]], *, incarnation: UUID, claims: bool) -> Round:
    """Write a round; ``claims`` says whether the next steps are claimed at once, or left for whoever comes."""
    with transaction.atomic():
        found = Round(incarnation, claims)
        standing = {row[0]: Standing(*row[1:]) for row in ask(LOCK, [array([one.run_id for one, _ in ended])])}
        over = _end_steps(ended, incarnation)
        for carried, end in ended:
            if carried.step.id in over and carried.run_id in standing:
                _note(found, carried, end)
                _go_on(found, carried, end, standing[carried.run_id])
        if found.new:
            ask(ADD_STEPS, [incarnation, *_columns(found.new)])
        if found.moved:
            ask(MOVE_RUNS, _columns(found.moved))
        for step_id in found.left:
            step = Step.objects.get(pk=step_id)
            advance_flow(lock_run(step), step)
        record_many(found.events)
        announce_runs((carried.workspace_id, carried.run_id) for carried, _ in ended)
    return found


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any] | str]:
    return [array(column) for column in zip(*rows, strict=True)]


def _end_steps(ended: list[tuple[Carried, Ended]], incarnation: UUID) -> set[UUID]:
    rows = [
        (one.step.id, one.step.attempt, str(end.status), _stored(one, end), sanitise(end.explanation))
        for one, end in ended
    ]
    return {row[0] for row in ask(END_STEPS, [*_columns(rows), incarnation])}


def _stored(carried: Carried, end: Ended) -> str:
    return json.dumps(keep(end.output, workspace_id=carried.workspace_id, owner_id=carried.run_id, only=APART))


def _note(found: Round, carried: Carried, end: Ended) -> None:
    body = {"from": str(StepStatus.RUNNING), "attempt": carried.step.attempt}
    _tell(found, carried, f"step.{end.status}", ("step", carried.step.id), body)


def _tell(found: Round, carried: Carried, verb: str, subject: tuple[str, UUID], body: dict[str, Any]) -> None:
    found.events.append(Entry(workspace_id=carried.workspace_id, actor=ACTOR, verb=verb, subject=subject, body=body))


def _go_on(found: Round, carried: Carried, end: Ended, run: Standing) -> None:
    """Decide what comes after the step: the next node, the end, or something that only the engine can do."""
    if run.cancelled:
        found.moved.append((carried.run_id, RunStatus.RUNNING, None, None, 0))
        found.cancel.append(carried.run_id)
    elif end.to is not None and carried.workflow.node(end.to).kind in KINDS:
        _visit(found, carried, end.to, run)
    elif end.to is not None or not carried.is_plain or telemetry.is_on():
        found.moved.append((carried.run_id, RunStatus.RUNNING, None, None, 0))
        found.left.append(carried.step.id)
        found.tell.append(carried.run_id)
    else:
        _end_run(found, carried, end)


def _visit(found: Round, carried: Carried, node_id: str, run: Standing) -> None:
    node = carried.workflow.node(node_id)
    visits, refused = 1, ""
    if node.at_most is not None:
        visits = carried.visits[node_id] = carried.visits_of(node_id) + 1
        refused = f"The node {node_id} may be visited {node.at_most} times." if visits > node.at_most else ""
    claimed = found.claims and not (run.paused or run.late) and run.steps_used + 1 < run.step_limit
    step = Claimed(uuid7(), carried.step.number + 1, node_id, visits, 1, refused)
    status = StepStatus.RUNNING if claimed else StepStatus.READY
    given = json.dumps({"refused": refused} if refused else {})
    found.new.append((step.id, carried.run_id, step.number, node.kind, str(status), given, node_id, visits))
    found.moved.append((carried.run_id, RunStatus.RUNNING, None, None, 1))
    body = {"run": str(carried.run_id), "number": step.number, "kind": node.kind}
    _tell(found, carried, f"step.{status}", ("step", step.id), {**body, "attempt": 1} if claimed else body)
    if claimed:
        carried.step = step
        found.onward.append(carried)
    else:
        found.tell.append(carried.run_id)


def _end_run(found: Round, carried: Carried, end: Ended) -> None:
    status, outcome, explanation = RunStatus.FAILED, None, f"{carried.step.node}: {end.explanation}"
    if end.status == StepStatus.SUCCEEDED:
        try:
            result = _result_of(carried, end.output["value"])
            outcome, explanation = json.dumps(sanitise({"text": text_of(result), "result": result})), ""
            status = RunStatus.SUCCEEDED
        except Failed as error:
            explanation = f"The workflow's result could not be made. {error}"
    found.moved.append((carried.run_id, status, outcome, sanitise(explanation), 0))
    _tell(found, carried, f"run.{status}", ("run", carried.run_id), {"from": str(RunStatus.RUNNING)})


def _result_of(carried: Carried, value: Any) -> Any:
    """Return what the run's workflow gives whose last node gave ``value``; raise ``Failed``."""
    flow = carried.workflow
    if flow.result is None:
        return value
    spot = Spot(carried, flow.node(carried.step.node))
    seen = spot.see(expression_of(one) for _, one in expressions_in(flow.result))
    return resolve(flow.result, seen.facts)
