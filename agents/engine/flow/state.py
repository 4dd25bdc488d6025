"""What a step of a workflow may read: the run's input, and what the nodes around it have given.

Only the outputs that an expression names are read from the rows. A step sees the steps of its own thread and of those
around it; of a node that was visited often, the newest visit counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from agents.models import AgentVersion, Run, Step
from agents.states import STEP_TERMINAL, StepKind, StepStatus
from agents.workflows.graph import Workflow, parse
from agents.workflows.values import Expression, Facts

TRUSTED_OF_RUN: Final = frozenset({"id", "environment"})
"""What of ``run`` is ours; its title is taken from the ticket."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What expressions were evaluated over, and whether all of it may be trusted."""

    facts: Facts
    trusted: bool


@lru_cache(maxsize=256)
def workflow_of(version_id: UUID) -> Workflow:
    """Return the workflow of a version, which never changes."""
    return parse(AgentVersion.objects.values_list("workflow", flat=True).get(pk=version_id))


def threads_around(thread: str) -> list[str]:
    """Return the thread and those around it, outermost first: "", "7.a", "7.a/12.0"."""
    parts = thread.split("/") if thread else []
    return ["", *("/".join(parts[: at + 1]) for at in range(len(parts)))]


def see(run: Run, thread: str, expressions: Iterable[Expression]) -> Seen:
    """Return what ``expressions``, standing in ``thread``, are evaluated over."""
    read = list(expressions)
    nodes, trusts = _nodes(run, thread, frozenset().union(*(one.nodes for one in read)))
    variables: dict[str, Any] = {"input": input_of(run), "nodes": nodes, "run": _about(run)}
    named = {name for one in read for name in one.names}
    trusts += [name != "input" and (name != "run" or field in TRUSTED_OF_RUN) for name, field in named]
    return Seen(Facts(variables), all(trusts))


def input_of(run: Run) -> dict[str, Any]:
    """Return what a run was given: its ticket as ``text``, and its data."""
    return {"text": run.input.get("text", ""), **(run.input.get("data") or {})}


def _about(run: Run) -> dict[str, str]:
    return {"id": str(run.id), "title": run.title, "environment": run.environment}


def _nodes(run: Run, thread: str, wanted: frozenset[str]) -> tuple[dict[str, Any], list[bool]]:
    """Return what each wanted node gave when it was visited last, and whether that may be trusted."""
    if not wanted:
        return {}, []
    over = run.steps.filter(thread__in=threads_around(thread), node__in=wanted, status__in=STEP_TERMINAL)
    newest = {step.node: step for step in over.select_related("action").order_by("number")}
    nodes = {node: described(step) for node, step in newest.items()}
    return nodes, [bool((step.output or {}).get("trusted")) for step in newest.values()]


def described(step: Step) -> dict[str, Any]:
    """Return a step that is over as expressions see it: its output, how it ended, and why where it failed."""
    status = step.status if step.action is None else step.action.status
    return {"output": output_of(step), "status": str(status), "error": step.explanation}


def output_of(step: Step) -> Any:
    """Return what a step that is over gave to the nodes after it; None where it failed."""
    if step.status != StepStatus.SUCCEEDED:
        return None
    if step.kind == StepKind.ACTION:
        return step.action.result if step.action is not None else None
    return (step.output or {}).get("value")
