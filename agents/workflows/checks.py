"""What a workflow must be before a version is published with it: every sentence names its place.

Refused are nodes that nothing leads to or that lead to no end, loops without a bound, names of what is not there,
expressions that cannot be read, and what is too large. What passes may still fail in a run, with a sentence there.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from agents.workflows.functions import registered
from agents.workflows.graph import Flow, Unreadable, Workflow, flows_of, held_by, parse
from agents.workflows.nodes import Action, Child, Code, Event, Model, Node, Person, Retrieve
from agents.workflows.values import BadExpression, Expression, compile_expression, expression_of, expressions_in
from tools.schemas import check_schema
from workspaces.canonical import canonical
from workspaces.errors import InvalidInput

MAX_NODES: Final = 500
MAX_DEPTH: Final = 8
MAX_BYTES: Final = 256_000
MAX_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Names:
    """What a workflow may name: the tools and collections of its version, and the workspace's queues and agents.

    ``own`` is the agent that the workflow is for.
    """

    tools: AbstractSet[str] = frozenset()
    collections: AbstractSet[str] = frozenset()
    queues: AbstractSet[str] = frozenset()
    agents: AbstractSet[str] = frozenset()
    own: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """A flow in its place: ``outside`` are the nodes around it whose outputs its own may read."""

    path: str
    flow: Flow
    outside: AbstractSet[str] = field(default_factory=frozenset)
    inside_map: bool = False

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The flow's own nodes by their ids."""
        return self.flow.nodes

    def place(self, node_id: str, field: str = "") -> str:
        """Return where a node, or a field of it, stands in the document."""
        return "/".join(part for part in (self.path, "nodes", node_id, field) if part)


def check_workflow(document: Any, names: Names) -> Workflow:
    """Return the workflow; raise ``InvalidInput`` with at most 20 sentences about what is wrong with it."""
    problems = list(_too_large(document))
    workflow = None
    if not problems:
        try:
            workflow = parse(document)
        except Unreadable as error:
            problems = error.problems
        else:
            problems = list(_problems(workflow, names))
    if workflow is None or problems:
        raise InvalidInput(
            f"This workflow cannot be run. {problems[0]}.",
            "Correct what is named.",
            {"workflow": [f"{problem}." for problem in problems[:MAX_PROBLEMS]]},
        )
    return workflow


def _too_large(document: Any) -> Iterator[str]:
    try:
        size = len(canonical(document))
    except (ValueError, TypeError):
        yield "it is no JSON, or there is a number or a text in it that JSON cannot hold"
        return
    if size > MAX_BYTES:
        yield f"it has {size:,} bytes, and may have {MAX_BYTES:,}"


def _problems(workflow: Workflow, names: Names) -> Iterator[str]:
    flows = list(flows_of(workflow))
    ids = [node_id for _, flow, _ in flows for node_id in flow.nodes]
    if len(ids) > MAX_NODES:
        yield f"it has {len(ids):,} nodes, and may have {MAX_NODES}"
        return
    for twice in sorted({node_id for node_id in ids if ids.count(node_id) > 1}):
        yield f"two nodes are called '{twice}': ids are given once in the whole workflow"
    if workflow.input is not None:
        yield from _schema("input", workflow.input, of_object=True)
    for scope in _scopes(Scope("", workflow), 1):
        if scope is None:
            yield f"its flows are nested deeper than {MAX_DEPTH} levels"
            return
        yield from _scope_problems(scope, names)


def _scopes(scope: Scope, depth: int) -> Iterator[Scope | None]:
    """Yield the flow and those that its nodes hold; None where they are nested too deeply."""
    yield scope if depth <= MAX_DEPTH else None
    for node_id, node in scope.nodes.items():
        for place, flow, mapped in held_by(node):
            around = scope.outside | (scope.nodes.keys() - {node_id})
            inner = Scope(scope.place(node_id, place), flow, around, scope.inside_map or mapped)
            yield from _scopes(inner, depth + 1)


def _scope_problems(scope: Scope, names: Names) -> Iterator[str]:
    yield from _ways(scope)
    for node_id, node in scope.nodes.items():
        yield from _node_problems(scope, node_id, node, names)
    readable = scope.outside | scope.nodes.keys()
    yield from _template("/".join(filter(None, (scope.path, "result"))), scope.flow.result, readable, scope.inside_map)


def _ways(scope: Scope) -> Iterator[str]:
    """Yield what is wrong with the ways between the nodes."""
    nodes = scope.nodes
    if scope.flow.start not in nodes:
        yield f"{'/'.join(filter(None, (scope.path, 'start')))}: there is no node '{scope.flow.start}'"
        return
    unknown = [
        f"{scope.place(node_id, field)}: there is no node '{to}'"
        for node_id, node in nodes.items()
        for field, to in node.leads_to()
        if to is not None and to not in nodes
    ]
    yield from unknown
    if unknown:
        return
    ways = {node_id: {to for _, to in node.leads_to()} for node_id, node in nodes.items()}
    reached = _reached(ways, [scope.flow.start])
    ending = _reached(_reversed(ways), [None])
    yield from (f"{scope.place(one)}: nothing leads to this node" for one in nodes if one not in reached)
    yield from (f"{scope.place(one)}: no end can be reached from here" for one in nodes if one not in ending)
    yield from _endless(scope, ways)


def _reached(ways: Mapping[Any, Iterable[Any]], start: list[Any]) -> set[Any]:
    found, waiting = set(start), list(start)
    while waiting:
        new = set(ways.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _reversed(ways: Mapping[Any, Iterable[Any]]) -> dict[Any, set[Any]]:
    back: dict[Any, set[Any]] = {}
    for one, others in ways.items():
        for other in others:
            back.setdefault(other, set()).add(one)
    return back


def _endless(scope: Scope, ways: Mapping[str, AbstractSet[str | None]]) -> Iterator[str]:
    """Yield the loops of which no node says how often it may be visited."""
    free = {one: {to for to in tos if to} for one, tos in ways.items() if scope.nodes[one].at_most is None}
    waiting = {one: {to for to in tos if to in free} for one, tos in free.items()}
    while ended := [one for one, tos in waiting.items() if not tos & waiting.keys()]:
        for one in ended:
            del waiting[one]
    for one in sorted(waiting):
        if one in _reached(waiting, list(waiting[one] & waiting.keys())):
            yield f"{scope.place(one)}: this loop has no bound: give one of its nodes at_most"
            return


def _node_problems(scope: Scope, node_id: str, node: Node, names: Names) -> Iterator[str]:
    if node.output is not None:
        yield from _schema(scope.place(node_id, "output"), node.output)
    if isinstance(node, Event | Person):
        asked = node.payload if isinstance(node, Event) else node.form
        yield from _schema(scope.place(node_id, "schema"), asked, of_object=isinstance(node, Person))
    readable = scope.outside | scope.nodes.keys()
    for field_name, template in node.templates():
        yield from _template(scope.place(node_id, field_name), template, readable, scope.inside_map)
    for field_name, text in node.conditions():
        place = scope.place(node_id, field_name)
        try:
            yield from _reads(place, compile_expression(text, scope.inside_map), readable)
        except BadExpression as error:
            yield f"{place}: {error}"
    yield from (f"{scope.place(node_id, field)}: {sentence}" for field, sentence in _unknown(node, names))


def _unknown(node: Node, names: Names) -> Iterator[tuple[str, str]]:
    """Yield what the node names that is not there."""
    if isinstance(node, Code) and node.function not in registered():
        yield "function", f"there is no function '{node.function}'"
    if isinstance(node, Action) and node.tool not in names.tools:
        yield "tool", f"the version has no tool '{node.tool}'"
    if isinstance(node, Person) and node.queue and node.queue not in names.queues:
        yield "queue", f"there is no queue '{node.queue}'"
    if isinstance(node, Model):
        missing = sorted(set(node.tools or ()) - names.tools)
        yield from (("tools", f"the version has no tool '{one}'") for one in missing)
    if isinstance(node, Child) and node.agent not in names.agents:
        yield "agent", f"there is no agent '{node.agent}'"
    elif isinstance(node, Child) and node.agent == names.own and node.at_most is None:
        yield "agent", "an agent that gives tasks to itself needs a bound: give the node at_most"
    if isinstance(node, Retrieve):
        missing = sorted(set(node.collections or ()) - names.collections)
        yield from (("collections", f"the version has no collection '{one}'") for one in missing)
        if not names.collections:
            yield "collections", "the version has no collections"


def _schema(place: str, schema: Any, *, of_object: bool = False) -> Iterator[str]:
    try:
        check_schema(schema, of_object=of_object)
    except InvalidInput as error:
        yield from (f"{place}: {sentence.rstrip('.')}" for sentence in error.fields["schema"])


def _template(place: str, template: Any, readable: AbstractSet[str], inside_map: bool) -> Iterator[str]:
    try:
        found = list(expressions_in(template, place))
    except BadExpression as error:
        yield f"{place}: {error}"
        return
    for where, value in found:
        try:
            yield from _reads(where, expression_of(value, inside_map=inside_map), readable)
        except BadExpression as error:
            yield f"{where}: {error}"


def _reads(place: str, expression: Expression, readable: AbstractSet[str]) -> Iterator[str]:
    for missing in sorted(expression.nodes - readable):
        yield f"{place}: the expression “{expression.text}” names '{missing}', which is no node that can be read here"
