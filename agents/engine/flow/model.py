"""A ``model`` node: the same loop of model calls and actions as an agent without a workflow, in a thread of its own.

Its output are the model's last words, or the JSON that the node's schema asks for; words that do not fit are sent back
with what is wrong with them, twice.
"""

import re
from typing import Any, Final

from django.db.models import F

from agents.engine import model_step
from agents.engine.claims import WORKER
from agents.engine.flow.asking import about, node_of, visit_of
from agents.engine.flow.places import checked, fail, place_of
from agents.engine.outcomes import finish
from agents.engine.turns import add_step, go_on
from agents.models import Run, Step
from agents.providers.base import ModelAnswer
from agents.states import STEP_TERMINAL, StepKind, StepStatus
from agents.workflows.nodes import Model
from agents.workflows.values import Failed
from workspaces.canonical import loads

MISFITS: Final = 2
FENCE: Final = re.compile(r"^```(?:json)?\s*\n(.*)\n```$", re.DOTALL)


def perform(step: Step) -> None:
    """Ask the model; a node that cannot be told what it is about fails."""
    node = node_of(step)
    if node is not None:
        try:
            if step.input.get("refused"):
                raise Failed(step.input["refused"])
            if node.about is not None:
                about(step, node)
        except Failed as error:
            fail(place_of(step), str(error))
            return
    model_step.perform(step)


def end_node(run: Run, step: Step, answer: ModelAnswer, output: dict[str, Any]) -> None:
    """End a model step that calls nothing, and with it its node, or ask once more; call with the run locked."""
    node = node_of(step)
    if node is None:
        raise AssertionError("Only a step of a model node ends a node.")
    try:
        value = _value(node, answer)
    except Failed as error:
        if visit_of(step).filter(output__has_key="misfit").count() >= MISFITS:
            finish(run, step, StepStatus.FAILED, output={**output, "trusted": False}, explanation=str(error))
            go_on(run, step)
            return
        finish(run, step, StepStatus.SUCCEEDED, output={**output, "misfit": str(error)})
        ask_again(run, step)
        return
    finish(run, step, StepStatus.SUCCEEDED, output={**output, "value": value, "trusted": False})
    go_on(run, step)


def _value(node: Model, answer: ModelAnswer) -> Any:
    if node.output is None:
        return checked(node, {"text": answer.text, "model": answer.model})
    fenced = FENCE.match(answer.text.strip())
    try:
        return checked(node, loads(fenced.group(1) if fenced else answer.text))
    except ValueError as error:
        raise Failed("The answer is no JSON. Answer with one JSON value, and nothing else.") from error


def ask_again(run: Run, step: Step) -> None:
    """Let the next model call of the same visit follow; call with the run locked."""
    run.turn += 1
    Run.objects.filter(pk=run.pk).update(turn=run.turn, open_steps=F("open_steps") + 1)
    add_step(run, kind=StepKind.MODEL, by=WORKER, **place_in_flow(step))


def place_in_flow(step: Step) -> dict[str, Any]:
    """Return the fields by which another step is of the same visit."""
    return {"node": step.node, "thread": step.thread, "visit": step.visit, "parent_id": step.parent_id}


def is_under_way(run: Run, step: Step) -> bool:
    """Say whether the visit goes on after this step, and let the model be asked when all it called is over."""
    if step.kind == StepKind.MODEL:
        return False
    if not run.steps.filter(turn=step.turn).exclude(status__in=STEP_TERMINAL).exists():
        ask_again(run, step)
    return True
