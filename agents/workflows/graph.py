"""What a workflow says: its nodes by kind, and which of them may come after which.

A workflow is data of an agent's version. ``parse`` knows its form only; whether its nodes lead somewhere, and whether
the tools that they name exist, is for ``agents.workflows.checks``.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agents.workflows.nodes import (
    NODE_ID,
    Action,
    Branch,
    Child,
    Code,
    Event,
    Model,
    Node,
    NodeId,
    Onward,
    Part,
    Person,
    Retrieve,
    Schema,
    Wait,
)

KINDS: Final = ("action", "branch", "child", "code", "event", "map", "model", "parallel", "person", "retrieve", "wait")


class AtLeast(Part):
    """A join that holds when so many have succeeded."""

    at_least: Annotated[int, Field(ge=1, le=10_000)]


class Fork(Onward):
    """Goes several ways at once, each a thread of its own, and joins them.

    ``join`` says how many have to succeed; with ``on_partial`` as continue, the node goes on with those that did.
    """

    join: Literal["all", "any"] | AtLeast = "all"
    on_partial: Literal["fail", "continue"] = "fail"

    def needed(self, threads: int) -> int:
        """Return how many of so many threads have to succeed."""
        if isinstance(self.join, AtLeast):
            return self.join.at_least
        return threads if self.join == "all" else min(1, threads)

    def flow_of(self, key: str) -> "Flow":
        """Return what the thread of this key does."""
        raise NotImplementedError


class Parallel(Fork):
    """Carries out its branches at the same time."""

    kind: Literal["parallel"]
    branches: Annotated[dict[NodeId, "Flow"], Field(min_length=1, max_length=50)]

    def flow_of(self, key: str) -> "Flow":
        """Return one branch."""
        return self.branches[key]


class Map(Fork):
    """Does the same for every item of a list, ``at_once`` items at a time."""

    kind: Literal["map"]
    over: list[Any] | dict[str, Any]
    do: "Flow"
    at_once: Annotated[int, Field(ge=1, le=100)] = 10

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the list."""
        yield "over", self.over

    def flow_of(self, key: str) -> "Flow":
        """Return what is done for each item."""
        return self.do


AnyNode = Annotated[
    Code | Branch | Wait | Event | Person | Action | Retrieve | Model | Child | Parallel | Map,
    Field(discriminator="kind"),
]


class Flow(Part):
    """Nodes, the first of them, and what the flow gives: without ``result``, the output of its last node."""

    start: NodeId
    nodes: Annotated[dict[NodeId, AnyNode], Field(min_length=1)]
    result: Any = None


class Workflow(Flow):
    """The whole; ``input`` is the schema of what a run is given."""

    input: Schema | None = None

    @cached_property
    def _known(self) -> dict[str, tuple[Node, bool]]:
        return {
            node_id: (node, inside_map)
            for _, flow, inside_map in flows_of(self)
            for node_id, node in flow.nodes.items()
        }

    def node(self, node_id: str) -> Node:
        """Return a node by its id; raise ``LookupError`` where there is none."""
        return self._known[node_id][0]

    def is_inside_map(self, node_id: str) -> bool:
        """Say whether a node works on one item of a map, so that its expressions know ``item`` and ``index``."""
        return self._known[node_id][1]


def flows_of(flow: Flow, path: str = "", inside_map: bool = False) -> Iterator[tuple[str, Flow, bool]]:
    """Yield the flow and all that its nodes hold, outer ones first: its place, itself, and whether it is in a map."""
    yield path, flow, inside_map
    for node_id, node in flow.nodes.items():
        for place, inner, mapped in held_by(node):
            yield from flows_of(inner, "/".join(filter(None, (path, "nodes", node_id, place))), inside_map or mapped)


def held_by(node: Node) -> Iterator[tuple[str, Flow, bool]]:
    """Yield the flows that a node holds: the place in it, the flow, and whether it is done for items."""
    if isinstance(node, Parallel):
        yield from ((f"branches/{key}", flow, False) for key, flow in node.branches.items())
    elif isinstance(node, Map):
        yield "do", node.do, True


class Unreadable(Exception):
    """A document that is no workflow; ``problems`` are sentences, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


for _model in (Parallel, Map, Flow, Workflow):
    _model.model_rebuild()
_ADAPTER: Final = TypeAdapter(Workflow)


def parse(document: Any) -> Workflow:
    """Return the workflow that ``document`` (JSON) describes; raise ``Unreadable``."""
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise Unreadable([_sentence(document, dict(one)) for one in error.errors()]) from error
    except RecursionError as error:
        raise Unreadable(["the workflow is nested too deeply"]) from error


def _sentence(document: Any, error: Mapping[str, Any]) -> str:
    kind, loc = str(error["type"]), list(error["loc"])
    place = "/".join(_place(document, loc))
    where = f"{place}: " if place else ""
    if loc and loc[-1] == "[key]":
        return f"{where}{NODE_ID.rstrip('.')}"
    words = {
        "missing": "this is needed",
        "extra_forbidden": "there is no such field",
        "union_tag_not_found": f"it needs a kind: {', '.join(KINDS)}",
        "union_tag_invalid": f"there is no such kind of node: choose one of {', '.join(KINDS)}",
        "string_pattern_mismatch": f"this is no id of a node. {NODE_ID.rstrip('.')}",
    }
    said = str(error["msg"]).removeprefix("Value error, ")
    return where + words.get(kind, said[:1].lower() + said[1:])


def _place(document: Any, loc: Sequence[Any]) -> Iterator[str]:
    """Yield the steps of a place in the document; the kind by which a node was told apart is none of them."""
    here = document
    for at, step in enumerate(loc):
        if step == "[key]":
            return
        if isinstance(here, dict) and step not in here and here.get("kind") == step:
            continue
        if isinstance(here, dict) and at < len(loc) - 1 and step not in here:
            return
        yield str(step)
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
