"""A workflow as people read it: its nodes in the order in which they are reached, what each does, and where it leads.

An outline and not a picture of boxes: it reads the same aloud, on a phone and in print, and a run's states stand in it
as words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.workflows.graph import Flow, Map, Parallel, Workflow, held_by
from agents.workflows.nodes import Action, Branch, Child, Code, Event, Model, Node, Person, Retrieve, Wait

END: Final = "the end"
FIRST: Final = ("running", "waiting", "ready", "failed", "succeeded", "skipped", "cancelled")
"""Of several steps of a node, which state is shown: what goes on before what is over."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: when it is taken, and to which node, or ``END``."""

    when: str
    to: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """One node: its kind and what it does in words, its ways out, the flows in it, and its state in a run."""

    id: str
    kind: str
    does: str
    ways: tuple[Way, ...]
    inner: tuple[tuple[str, tuple["Drawn", ...]], ...]
    state: str = ""
    steps: int = 0


def drawn(workflow: Workflow, states: Mapping[str, Mapping[str, int]] | None = None) -> tuple[Drawn, ...]:
    """Return the workflow's nodes; ``states`` counts a run's steps by node and status."""
    return _flow(workflow, states or {})


def _flow(flow: Flow, states: Mapping[str, Mapping[str, int]]) -> tuple[Drawn, ...]:
    return tuple(_node(node_id, flow.nodes[node_id], states) for node_id in _in_order(flow))


def _in_order(flow: Flow) -> Iterator[str]:
    """Yield the ids as a reader meets them: first the way on, then the other ways."""
    waiting, met = [flow.start], set()
    while waiting:
        node_id = waiting.pop()
        if node_id in met:
            continue
        met.add(node_id)
        yield node_id
        waiting += [to for _, to in reversed(list(flow.nodes[node_id].leads_to())) if to is not None]


def _node(node_id: str, node: Node, states: Mapping[str, Mapping[str, int]]) -> Drawn:
    counts = states.get(node_id, {})
    return Drawn(
        id=node_id,
        kind=node.kind,
        does=says(node) + (f" (at most {node.at_most:,} visits)" if node.at_most is not None else ""),
        ways=tuple(_ways(node)),
        inner=tuple((_named(place), _flow(flow, states)) for place, flow, _ in held_by(node)),
        state=next((state for state in FIRST if counts.get(state)), ""),
        steps=sum(counts.values()),
    )


def _named(place: str) -> str:
    return "For each item" if place == "do" else f"Branch {place.removeprefix('branches/')}"


def _ways(node: Node) -> Iterator[Way]:
    for place, to in node.leads_to():
        yield Way(_when(node, place), to or END)


def _when(node: Node, place: str) -> str:
    if isinstance(node, Branch) and place.startswith("cases/"):
        return f"if {node.cases[int(place.split('/')[1])].when}"
    words = {"next": "then", "else": "otherwise", "on_failure": "on failure", "on_timeout": "when time is up"}
    return words[place]


def says(node: Node) -> str:
    """Return what a node does, in a few words."""
    if isinstance(node, Wait):
        return f"Waits until {_value(node.until)}" if node.until else f"Waits {_value(node.for_seconds)} seconds"
    if isinstance(node, Event):
        key = f" with the key {_value(node.key)}" if node.key else ""
        return f"Waits for the signal {node.name}{key}"
    if isinstance(node, Map):
        return f"For each of {_value(node.over)}, {node.at_once} at once; {_joining(node)}"
    if isinstance(node, Parallel):
        return f"{len(node.branches)} branches at once; {_joining(node)}"
    return _plainly(node)


def _plainly(node: Node) -> str:
    match node:
        case Action():
            return f"Proposes {node.tool}"
        case Child():
            return f"Gives a task to {node.agent}"
        case Code():
            return f"Calls {node.function}"
        case Model():
            return node.goal or "Asks the model"
        case Person():
            return f"Asks people: {node.title}"
        case Retrieve():
            return f"Searches knowledge for {_value(node.query)}"
    return "Chooses a way"


def _joining(node: Map | Parallel) -> str:
    if node.join == "any":
        return "one of them has to succeed"
    needed = node.join if isinstance(node.join, str) else f"{node.join.at_least}"
    if node.on_partial == "fail":
        return f"{needed} of them have to succeed"
    return "goes on with those that succeed" if needed == "all" else f"waits for {needed} that succeed, else for all"


def _value(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value.values())))
    return f"{value:,}" if isinstance(value, int) else str(value)
