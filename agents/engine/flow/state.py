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
from agents.models.step import RECORDED
from agents.states import STEP_TERMINAL, StepKind, StepStatus
from agents.workflows.graph import Workflow, parse
from agents.workflows.values import INSIDE_MAP, Expression, Facts
from tools.states import ActionStatus

Names = set[tuple[str, str | None]]
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


@dataclass(frozen=True, slots=True)
class Known:
    """What a node gave, as expressions see it, and where that comes from."""

    described: dict[str, Any]
    origin: Origin


def see(run: Run, thread: str, expressions: Iterable[Expression]) -> Seen:
    """Return what ``expressions``, standing in ``thread``, are evaluated over."""
    names = names_in(expressions)
    item = _item(run, thread) if any(name in INSIDE_MAP for name, _ in names) else None
    about = {"id": str(run.id), "title": run.title, "environment": run.environment}
    return seen_over(names, known_of(run.pk, thread, nodes_in(names)), run.input, about, item)


def names_in(expressions: Iterable[Expression]) -> Names:
    """Return the variables that expressions read, each with its first field or None."""
    return {name for expression in expressions for name in expression.names}


def nodes_in(names: Names) -> set[str]:
    """Return the nodes among the variables that are read."""
    return {field for name, field in names if name == "nodes" and field is not None}


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


def seen_over(
    names: Names, known: Mapping[str, Known], said: dict[str, Any], about: dict[str, str], item: Item | None = None
) -> Seen:
    """Return what is evaluated over: what nodes gave, what the run was given (``said``) and is, the item of a map."""
    facts = {
        "input": given_to(said),
        "nodes": {node: one.described for node, one in known.items()},
        "run": about,
        **({"item": item.value, "index": item.index} if item is not None else {}),
    }
    origins = {name: origin for name in names if (origin := _origin(name, known, item)) is not None}
    return Seen(Facts(facts), origins)


def input_of(run: Run) -> dict[str, Any]:
    """Return what a run was given: its ticket as ``text``, and its data."""
    return given_to(run.input)


def given_to(said: dict[str, Any]) -> dict[str, Any]:
    """Return the same from what the run's row holds."""
    return {"text": said.get("text", ""), **(said.get("data") or {})}


def _origin(name: tuple[str, str | None], known: Mapping[str, Known], item: Item | None) -> Origin | None:
    variable, field = name
    if variable == "nodes":
        return known[field].origin if field and field in known else None
    if variable in INSIDE_MAP:
        return None if item is None else item.origin
    if variable == "input":
        return Origin("ticket", False)
    return Origin("run", field in TRUSTED_OF_RUN)


def known_of(run_id: UUID, thread: str, wanted: Iterable[str]) -> dict[str, Known]:
    """Return what the wanted nodes gave, as far as ``thread`` can see them: of each the newest step that is over."""
    names = list(wanted)
    if not names:
        return {}
    over = Step.objects.filter(run_id=run_id, thread__in=threads_around(thread), node__in=names)
    steps = over.filter(status__in=STEP_TERMINAL).select_related(*RECORDED).order_by("number")
    return {step.node: Known(described(step), origin_of(step.node, step.number, is_trusted(step))) for step in steps}


def origin_of(node: str, number: int, trusted: bool) -> Origin:
    """Return where the output of a step comes from."""
    return Origin(f"{node} (step {number})", trusted)


def is_trusted(step: Step) -> bool:
    """Say whether all that a step's output was made of may be trusted."""
    return bool((step.output or {}).get("trusted"))


def described(step: Step) -> dict[str, Any]:
    """Return a step that is over as expressions see it: its output, how it ended, and why where it failed.

    One that somebody edited in a fork has succeeded.
    Of an action that was not carried out the status says why: denied, rejected, expired.
    """
    action = step.recorded_action if step.edited is None else None
    status = step.status if action is None or action.status == ActionStatus.SUCCEEDED else action.status
    return {"output": output_of(step), "status": str(status), "error": step.explanation}


def output_of(step: Step) -> Any:
    """Return what a step that is over gave to the nodes after it; None where it failed."""
    if step.edited is not None:
        return step.edited["value"]
    if step.status != StepStatus.SUCCEEDED:
        return None
    if step.kind == StepKind.ACTION:
        action = step.recorded_action
        return action.result if action is not None else None
    return (step.output or {}).get("value")
