"""A ``child`` node: gives a task to another agent and waits until its run is over; the output is that run's outcome.

A child has no more rights than its parent: it works for whoever started that run, who must be allowed to give tasks to
its agent; the parent's causes are its causes; pauses and budgets over the parent hold for it, too. Its steps count in
the parent's limit when it is over, and it may take no more than what was left when it began.
"""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from agents.engine.beginning import Task, create_run, set_out, title_of
from agents.engine.claims import WORKER
from agents.engine.clock import time_left
from agents.engine.flow.around import Given
from agents.engine.flow.inputs import fitting
from agents.engine.flow.places import Place, conclude, of_node
from agents.engine.flow.timing import sleep, wake_waiting
from agents.engine.outcomes import lock_run
from agents.models import Agent, AgentVersion, Run, Step
from agents.signals import tell_of_work
from agents.states import RUN_TERMINAL, RunStatus, StepKind, StepStatus
from agents.workflows.values import Failed
from workspaces.errors import DomainError

MAX_DEPTH: Final = 8
CHILD: Final = "child:"


@of_node
def perform(place: Place) -> Given | None:
    """Begin the child's run, or give what became of it."""
    known = place.step.input.get("child")
    if known is None:
        _begin(place)
        return None
    child = Run.objects.get(pk=known)
    if child.status not in RUN_TERMINAL:
        _stand_by(place, child)
        return None
    _end(place, child)
    return None


def _begin(place: Place) -> None:
    version = _version(place)
    body = _body(place, version)
    with transaction.atomic():
        run = lock_run(place.step)
        if _depth(run) >= MAX_DEPTH:
            raise Failed(f"Runs give tasks to one another {MAX_DEPTH} deep at most.")
        left = run.step_limit - run.steps_used
        limit = min(place.node.step_limit or version.step_limit, version.step_limit, left)
        own = {"scopes": [*run.scopes, version.agent_id], "priority": run.priority}
        same = {"mode": run.mode, "format": run.format}
        more = {"parent": run, "step_limit": limit, **own, **same, **_time(run, version)}
        task = Task(
            body=body,
            environment=run.environment,
            started_by=run.started_by,
            causes=run.causes,
            title=title_of(body["text"]) or f"{version.agent.title} for {run.title}"[:180],
            more=more,
        )
        child = create_run(version, task, by=WORKER)
        set_out(child, budget=_budget(place, version))
        _stand_by(place, child)
        tell_of_work(child.id)


def _time(run: Run, version: AgentVersion) -> dict[str, int | None]:
    """Return how long the child may take: the smaller of its version's limit and what its parent has left."""
    limits = [limit for limit in (version.time_limit_seconds, time_left(run)) if limit is not None]
    return {"time_limit_seconds": min(limits) if limits else None}


def _stand_by(place: Place, child: Run) -> None:
    told = f"It waits for the run of {place.node.agent}."
    sleep(place.step, None, explanation=told, awaits=f"{CHILD}{child.id}", kept={"child": str(child.id)})


def _version(place: Place) -> AgentVersion:
    """Return what the child's run begins with; raise ``Failed`` where the run's starter may not begin it."""
    run = place.run
    agent = Agent.objects.filter(workspace_id=run.workspace_id, name=place.node.agent).first()
    version = agent.current_version if agent is not None and agent.is_enabled else None
    if agent is None or version is None:
        raise Failed(f"The agent {place.node.agent} takes no tasks now.")
    if not Agent.objects.startable_by(run.started_by).filter(pk=agent.pk).exists():
        raise Failed(f"{run.started_by}, who started this run, may not give tasks to {agent.title}.")
    return version


def _body(place: Place, version: AgentVersion) -> dict[str, Any]:
    text, _ = place.resolve(place.node.text)
    data, _ = place.resolve(place.node.input)
    if not isinstance(text, str):
        raise Failed("The text of a task is a text.")
    body: dict[str, Any] = {"text": text, "source": "workflow"}
    if version.workflow is None:
        if not text.strip() or data is not None:
            raise Failed(f"{place.node.agent} has no workflow: it takes a text, and no input.")
        return body
    try:
        return {**body, "data": fitting(version, text, data or {})}
    except DomainError as error:
        raise Failed(f"{error.message} {error.hint}".strip()) from error


def _budget(place: Place, version: AgentVersion) -> Decimal | None:
    """Return what the child may spend: the smaller of both limits, where there are any."""
    asked = None if place.node.budget_usd is None else Decimal(str(place.node.budget_usd))
    limits = [limit for limit in (asked, version.budget_usd) if limit is not None]
    return min(limits) if limits else None


def _depth(run: Run) -> int:
    depth, parent = 1, run.parent_id
    while parent is not None and depth < MAX_DEPTH:
        depth, parent = depth + 1, Run.objects.values_list("parent_id", flat=True).get(pk=parent)
    return depth


def _end(place: Place, child: Run) -> None:
    """End the step with the child's outcome, and count its steps."""
    if child.status != RunStatus.SUCCEEDED:
        raise Failed(f"The run of {place.node.agent} {child.get_status_display().lower()}. {child.explanation}".strip())
    outcome = child.outcome or {}
    value = outcome["result"] if "result" in outcome else {"text": outcome.get("text", "")}
    with transaction.atomic():
        run = lock_run(place.step)
        Run.objects.filter(pk=run.pk).update(steps_used=F("steps_used") + child.steps_used)
        conclude(place, Given(value, trusted=False))


def wake_parent(child_id: UUID) -> UUID | None:
    """Wake the step that waits for a run that is over; return the run of that step."""
    step = Step.objects.filter(awaits=f"{CHILD}{child_id}", status=StepStatus.WAITING).values_list("id", flat=True)
    found = step.first()
    return wake_waiting(found) if found is not None else None


def over(rows: Q, limit: int) -> list[UUID]:
    """Return the waiting steps of ``rows`` whose child's run is over."""
    ended = Run.objects.filter(status__in=RUN_TERMINAL, parent_id=OuterRef("run_id")).annotate(
        address=Concat(Value(CHILD), Cast("id", CharField()), output_field=CharField())
    )
    waiting = Step.objects.filter(rows, status=StepStatus.WAITING, kind=StepKind.CHILD)
    return list(waiting.filter(Exists(ended.filter(address=OuterRef("awaits")))).values_list("id", flat=True)[:limit])
