"""What a workflow says: its nodes by kind, and which of them may come after which.

A workflow is data of an agent's version. ``parse`` knows its form only; whether its nodes lead somewhere, and whether
the tools that they name exist, is for ``agents.workflows.checks``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")]
NODE_ID: Final = "A node's id is a letter, then letters, digits and underscores, at most 60 in all."
Schema = dict[str, Any]
EXPRESSION: Final = "$"
"""``{"$": "input.email"}`` stands for the value of the expression; everything else stands for itself."""


class Part(BaseModel):
    """A part of a workflow, which never changes and has no fields but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Node(Part):
    """What every kind has: ``output`` is the schema that its output must fit, ``at_most`` bounds its visits."""

    kind: str
    output: Schema | None = None
    on_failure: NodeId | None = None
    at_most: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield where the node says what comes after it, and what; None where the flow ends."""
        if self.on_failure is not None:
            yield "on_failure", self.on_failure

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the node's values that may hold expressions, each with its place."""
        yield from ()

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield the node's conditions, each with its place."""
        yield from ()


class Onward(Node):
    """A node with one way out."""

    next: NodeId | None = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield the way out, and the way of failure."""
        yield "next", self.next
        yield from super().leads_to()


class Code(Onward):
    """Calls a registered pure function."""

    kind: Literal["code"]
    function: str
    arguments: dict[str, Any] = {}

    def templates(self) -> Iterator[tuple[str, Any]]:
        """Yield the function's arguments."""
        yield "arguments", self.arguments


class Case(Part):
    """One way out of a branch, and when it is taken."""

    when: str
    next: NodeId | None = None


class Branch(Node):
    """Goes the way of the first case that holds, else the other way."""

    kind: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=100)]
    otherwise: Annotated[NodeId | None, Field(alias="else")] = None

    def leads_to(self) -> Iterator[tuple[str, str | None]]:
        """Yield every way out."""
        yield from ((f"cases/{at}/next", case.next) for at, case in enumerate(self.cases))
        yield "else", self.otherwise
        yield from super().leads_to()

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield when each case holds."""
        yield from ((f"cases/{at}/when", case.when) for at, case in enumerate(self.cases))


AnyNode = Annotated[Code | Branch, Field(discriminator="kind")]
KINDS: Final = ("code", "branch")


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
    return where + words.get(kind, str(error["msg"])[:1].lower() + str(error["msg"])[1:])


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
