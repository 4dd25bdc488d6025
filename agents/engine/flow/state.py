"""What a step of a workflow may read: the run's input, and what the nodes around it have given.

Only the outputs that an expression names are read from the rows. A step sees the steps of its own thread and of those
around it; of a node that was visited often, the newest visit counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from agents.models import AgentVersion, Run, Step
from agents.states import STEP_TERMINAL, StepKind, StepStatus
from agents.workflows.graph import Workflow, parse
from agents.workflows.values import INSIDE_MAP, Expression, Facts
from tools.states import ActionStatus

TRUSTED_OF_RUN: Final = frozenset({"id", "environment"})
"""What of ``run`` is ours; its title is taken from the ticket."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a variable's value comes from, in words, and whether that may be trusted."""

    label: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What expressions were evaluated over, and where each variable that they read comes from."""

    facts: Facts
    origins: Mapping[tuple[str, str | None], Origin]

    @property
    def trusted(self) -> bool:
        """Whether all of it may be trusted."""
        return all(one.trusted for one in self.origins.values())

    def of(self, expression: Expression) -> list[Origin]:
        """Return where an expression's value comes from; what was not there to be read is left out."""
        return [origin for name, origin in self.origins.items() if name in expression.names]


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
    names = {name for expression in expressions for name in expression.names}
    steps = _newest(run, thread, {field for name, field in names if name == "nodes" and field is not None})
    item = _item(run, thread) if any(name in INSIDE_MAP for name, _ in names) else None
    facts = {
        "input": input_of(run),
        "nodes": {node: described(step) for node, step in steps.items()},
        "run": {"id": str(run.id), "title": run.title, "environment": run.environment},
        **({"item": item.value, "index": item.index} if item is not None else {}),
    }
    origins = {name: origin for name in names if (origin := _origin(name, steps, item)) is not None}
    return Seen(Facts(facts), origins)


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a map that a thread works on."""

    value: Any
    index: int
    origin: Origin


def _item(run: Run, thread: str) -> Item | None:
    """Return the item of the innermost map around ``thread``, read alone and not with the whole list."""
    forks = [part.split(".", 1) for part in thread.split("/")]
    numbers = {int(number): key for number, key in forks}
    fork = run.steps.filter(number__in=numbers, kind=StepKind.MAP).order_by("-number").values("number", "node").first()
    if fork is None:
        return None
    index = int(numbers[fork["number"]])
    row = run.steps.filter(number=fork["number"]).values_list(f"input__given__items__{index}", "input__trusted")
    value, trusted = row[0]
    return Item(value, index, Origin(f"item {index + 1} of {fork['node']} (step {fork['number']})", bool(trusted)))


def _origin(name: tuple[str, str | None], steps: Mapping[str, Step], item: Item | None) -> Origin | None:
    variable, field = name
    if variable == "nodes":
        step = steps.get(field or "")
        return None if step is None else Origin(f"{step.node} (step {step.number})", is_trusted(step))
    if variable in INSIDE_MAP:
        return None if item is None else item.origin
    if variable == "input":
        return Origin("ticket", False)
    return Origin("run", field in TRUSTED_OF_RUN)


def input_of(run: Run) -> dict[str, Any]:
    """Return what a run was given: its ticket as ``text``, and its data."""
    return {"text": run.input.get("text", ""), **(run.input.get("data") or {})}


def _newest(run: Run, thread: str, wanted: set[str]) -> dict[str, Step]:
    """Return the newest step that is over of each wanted node, as far as ``thread`` can see them."""
    if not wanted:
        return {}
    over = run.steps.filter(thread__in=threads_around(thread), node__in=wanted, status__in=STEP_TERMINAL)
    return {step.node: step for step in over.select_related("action__tool").order_by("number")}


def is_trusted(step: Step) -> bool:
    """Say whether all that a step's output was made of may be trusted."""
    return bool((step.output or {}).get("trusted"))


def described(step: Step) -> dict[str, Any]:
    """Return a step that is over as expressions see it: its output, how it ended, and why where it failed.

    Of an action that was not carried out the status says why: denied, rejected, expired.
    """
    told = step.action is not None and step.action.status != ActionStatus.SUCCEEDED
    status = step.action.status if told and step.action is not None else step.status
    return {"output": output_of(step), "status": str(status), "error": step.explanation}


def output_of(step: Step) -> Any:
    """Return what a step that is over gave to the nodes after it; None where it failed."""
    if step.status != StepStatus.SUCCEEDED:
        return None
    if step.kind == StepKind.ACTION:
        return step.action.result if step.action is not None else None
    return (step.output or {}).get("value")
