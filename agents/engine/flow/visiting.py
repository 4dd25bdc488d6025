"""Coming to a node: its step is appended to the run, in the thread that came there."""

from typing import Any

from django.db.models import F, Max

from agents.engine.turns import add_step
from agents.models import Run, Step
from agents.states import StepKind
from agents.workflows.graph import Workflow
from workspaces.actors import Actor

KINDS = {
    "action": StepKind.ACTION,
    "branch": StepKind.BRANCH,
    "child": StepKind.CHILD,
    "code": StepKind.CODE,
    "event": StepKind.EVENT,
    "map": StepKind.MAP,
    "model": StepKind.MODEL,
    "parallel": StepKind.PARALLEL,
    "person": StepKind.PERSON,
    "retrieve": StepKind.RETRIEVAL,
    "wait": StepKind.WAIT,
}


def visit(run: Run, workflow: Workflow, node_id: str, *, by: Actor, thread: str = "", **fields: Any) -> Step:
    """Append the step that carries out a node."""
    node = workflow.node(node_id)
    visits = 1
    if node.at_most is not None:
        earlier = run.steps.filter(thread=thread, node=node_id).aggregate(last=Max("visit"))["last"]
        visits = (earlier or 0) + 1
        if visits > node.at_most:
            fields["input"] = {"refused": f"The node {node_id} may be visited {node.at_most} times."}
    run.turn += 1
    Run.objects.filter(pk=run.pk).update(turn=run.turn, open_steps=F("open_steps") + 1)
    kind = KINDS[node.kind]
    return add_step(run, kind=kind, by=by, node=node_id, thread=thread, visit=visits, **fields)
