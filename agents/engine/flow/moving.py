"""What comes after a step of a workflow: the next node, the way of a failure, or the end.

Everything here happens in the transaction that ended the step, with the run locked, so that of steps that end at once
each finds the rows as the one before it left them.
"""

from typing import Any

from django.db.models import F, Max

from agents.engine.claims import WORKER
from agents.engine.flow.state import output_of, see, workflow_of
from agents.engine.outcomes import end_run
from agents.engine.turns import add_step
from agents.models import Run, Step
from agents.states import RunStatus, StepKind, StepStatus
from agents.workflows.graph import Flow, Workflow
from agents.workflows.nodes import Branch, Node
from agents.workflows.values import Failed, expression_of, expressions_in, resolve
from workspaces.actors import Actor

KINDS = {
    "action": StepKind.ACTION,
    "branch": StepKind.BRANCH,
    "code": StepKind.CODE,
    "event": StepKind.EVENT,
    "retrieve": StepKind.RETRIEVAL,
    "wait": StepKind.WAIT,
}


def begin_flow(run: Run, *, by: Actor) -> None:
    """Make the first step of a run whose version has a workflow; call with the run locked, or new."""
    workflow = workflow_of(run.version_id)
    visit(run, workflow, workflow.start, by=by)


def advance_flow(run: Run, step: Step, *, by: Actor = WORKER) -> None:
    """Go on after ``step``, which is over; a run that is to be cancelled goes nowhere."""
    if run.is_terminal or run.cancel_requested_at is not None:
        return
    workflow = workflow_of(run.version_id)
    node = workflow.node(step.node)
    failed = step.status != StepStatus.SUCCEEDED
    to = _way_of_failure(step, node) if failed else way_on(node, step)
    if to is not None:
        visit(run, workflow, to, by=by, thread=step.thread, parent_id=step.parent_id)
    elif failed:
        end_run(run, RunStatus.FAILED, explanation=f"{step.node}: {step.explanation}", by=by)
    else:
        _end(run, workflow, step, by)


def way_on(node: Node, step: Step) -> str | None:
    """Return which node comes after a step that succeeded; None where its flow ends."""
    if isinstance(node, Branch):
        ways = dict(node.leads_to())
        return ways[(step.output or {})["way"]]
    return dict(node.leads_to())["next"]


def _way_of_failure(step: Step, node: Node) -> str | None:
    """Return where a failure leads; a node that is visited too often leads there once, so that no loop is endless."""
    if node.at_most is not None and step.visit > node.at_most + 1:
        return None
    way = (step.output or {}).get("way", "")
    return dict(node.leads_to())[way] if way else node.on_failure


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


def _end(run: Run, workflow: Workflow, step: Step, by: Actor) -> None:
    """End the run with its result; a result that cannot be made is the run's failure."""
    try:
        result = result_of(run, workflow, step)
    except Failed as error:
        end_run(run, RunStatus.FAILED, explanation=f"The workflow's result could not be made. {error}", by=by)
        return
    end_run(run, RunStatus.SUCCEEDED, outcome={"text": text_of(result), "result": result}, by=by)


def result_of(run: Run, flow: Flow, step: Step) -> Any:
    """Return what a flow gives whose last step is ``step``; raise ``Failed``."""
    if flow.result is None:
        return output_of(step)
    seen = see(run, step.thread, (expression_of(one) for _, one in expressions_in(flow.result)))
    return resolve(flow.result, seen.facts)


def text_of(result: Any) -> str:
    """Return a result as people read it first: its own text, where it is one or has one."""
    said = result.get("text") if isinstance(result, dict) else result
    return said if isinstance(said, str) else ""
