"""What comes after a step of a workflow: the next node, the way of a failure, or the end of its thread or of the run.

Everything here happens in the transaction that ended the step, with the run locked, so that of steps that end at once
each finds the rows as the one before it left them.
"""

from agents.engine.claims import WORKER
from agents.engine.flow import joins
from agents.engine.flow.model import is_under_way
from agents.engine.flow.results import result_of, text_of
from agents.engine.flow.state import workflow_of
from agents.engine.flow.visiting import visit
from agents.engine.outcomes import end_run
from agents.engine.turns import leave_words
from agents.models import Run, Step
from agents.states import RunStatus, StepStatus
from agents.workflows.graph import Workflow
from agents.workflows.nodes import Branch, Model, Node
from agents.workflows.values import Failed
from workspaces.actors import Actor


def begin_flow(run: Run, *, by: Actor) -> None:
    """Make the first step of a run whose version has a workflow; call with the run locked, or new."""
    workflow = workflow_of(run.version_id)
    visit(run, workflow, workflow.start, by=by)


def advance_flow(run: Run, step: Step, *, by: Actor = WORKER) -> None:
    """Go on after ``step``, which is over; a run that is to be cancelled goes nowhere, nor does what is not needed."""
    if run.is_terminal or run.cancel_requested_at is not None or joins.is_not_needed(run, step):
        return
    workflow = workflow_of(run.version_id)
    node = workflow.node(step.node)
    if isinstance(node, Model) and is_under_way(run, step):
        return
    failed = step.status != StepStatus.SUCCEEDED
    to = comes_after(step, node)
    if to is not None:
        visit(run, workflow, to, by=by, thread=step.thread, parent_id=step.parent_id)
    elif step.parent_id is not None:
        joins.thread_over(run, workflow, step.parent_id)
    elif failed:
        end_run(run, RunStatus.FAILED, explanation=f"{step.node}: {step.explanation}", by=by)
    else:
        _end(run, workflow, step, by)


def comes_after(step: Step, node: Node) -> str | None:
    """Return which node comes after a step that is over; None where its flow ends."""
    return _way_on(node, step) if step.status == StepStatus.SUCCEEDED else _way_of_failure(step, node)


def _way_on(node: Node, step: Step) -> str | None:
    """Return which node comes after a step that succeeded; None where its flow ends."""
    way = (step.output or {})["way"] if isinstance(node, Branch) else "next"
    return dict(node.leads_to())[way]


def _way_of_failure(step: Step, node: Node) -> str | None:
    """Return where a failure leads; a node that is visited too often leads there once, so that no loop is endless."""
    if node.at_most is not None and step.visit > node.at_most + 1:
        return None
    way = (step.output or {}).get("way", "")
    return dict(node.leads_to())[way] if way else node.on_failure


def _end(run: Run, workflow: Workflow, step: Step, by: Actor) -> None:
    """End the run with its result; a result that cannot be made is the run's failure."""
    try:
        result, _ = result_of(run, workflow, step)
    except Failed as error:
        end_run(run, RunStatus.FAILED, explanation=f"The workflow's result could not be made. {error}", by=by)
        return
    text = text_of(result)
    if text:
        leave_words(run, text)
    end_run(run, RunStatus.SUCCEEDED, outcome={"text": text, "result": result}, by=by)
