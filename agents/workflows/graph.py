"""What a workflow says: its nodes by kind, and which of them may come after which.

A workflow is data of an agent's version. ``parse`` knows its form only; whether its nodes lead somewhere, and whether
the tools that they name exist, is for ``agents.workflows.checks``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from agents.workflows.nodes import (
    NODE_ID,
    Action,
    Branch,
    Code,
    Event,
    Node,
    NodeId,
    Part,
    Retrieve,
    Schema,
    Wait,
)

AnyNode = Annotated[Code | Branch | Wait | Event | Action | Retrieve, Field(discriminator="kind")]
KINDS: Final = ("action", "branch", "code", "event", "retrieve", "wait")


class Flow(Part):
    """Nodes, the first of them, and what the flow gives: without ``result``, the output of its last node."""

    start: NodeId
    nodes: Annotated[dict[NodeId, AnyNode], Field(min_length=1)]
    result: Any = None


class Workflow(Flow):
    """The whole; ``input`` is the schema of what a run is given."""

    input: Schema | None = None

    def node(self, node_id: str) -> Node:
        """Return a node by its id; raise ``LookupError`` where there is none."""
        for _, flow in flows_of(self):
            if node_id in flow.nodes:
                return flow.nodes[node_id]
        raise LookupError(f"there is no node '{node_id}'")


def flows_of(flow: Flow, path: str = "") -> Iterator[tuple[str, Flow]]:
    """Yield the flow and all that its nodes hold, each with its place, outer ones first."""
    yield path, flow


class Unreadable(Exception):
    """A document that is no workflow; ``problems`` are sentences, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


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
