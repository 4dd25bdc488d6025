"""An ``action`` node: proposes one action of a fixed tool, which goes through the gate and the doors like any other.

Where each value of the arguments comes from is known and not traced: a literal is the version's own, an expression's
value is from what the expression has read, and is trusted only where all of that is. Influence is untrusted where
untrusted content had a part in the arguments, or in a step before that chose the way here.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import transaction

from agents.effective import tools_of
from agents.engine import action_step
from agents.engine.claims import WORKER
from agents.engine.flow.joins import NOT_NEEDED, is_left_over
from agents.engine.flow.places import Place, checked, of_node, place_of
from agents.engine.flow.state import Seen, threads_around
from agents.engine.outcomes import fenced, lock_run
from agents.models import Step
from agents.states import StepStatus
from agents.workflows.nodes import Action as ActionNode
from agents.workflows.values import Failed, expression_of, expressions_in, is_expression, resolve
from approvals.operations import cancel_action
from tools.models import Action, Tool
from tools.operations.proposing import leaf_json, propose
from tools.provenance import Leaf, Source, trace
from tools.states import ActionStatus
from workspaces.errors import StaleState, TooLarge

LITERAL = "workflow"


def perform(step: Step) -> None:
    """Propose the node's action where that is not done yet, then carry it as far as it goes."""
    if step.node and step.action_id is None:
        _propose_first(step)
        if step.action is not None:
            action_step.perform(step, step.action)
        return
    if step.action_id is not None:
        if is_left_over(step):
            cancel_action(action_id=step.action_id, explanation=NOT_NEEDED, by=WORKER)
        action_step.perform(step)


@of_node
def _propose_first(place: Place) -> None:
    node, run, step = place.node, place.run, place.step
    tool = next((tool for tool in tools_of(run.version, run.overlay) if tool.name == node.tool), None)
    if tool is None:
        raise Failed(f"The tool {node.tool} may not be used now: it is disabled, or taken away for this customer.")
    seen = place.see(expression_of(one, inside_map=place.inside_map) for _, one in expressions_in(node.arguments))
    arguments = resolve(node.arguments, seen.facts, inside_map=place.inside_map)
    provenance = _provenance(place, arguments, seen)
    earlier = run.steps.filter(thread__in=threads_around(step.thread), output__trusted=False)
    influenced = not seen.trusted or earlier.exists()
    with transaction.atomic():
        simulated = lock_run(step).is_simulated
        step.action = _proposed(place, tool, arguments, provenance, influenced=influenced, simulated=simulated)
        said = {**step.input, "tool": tool.name, "arguments": step.action.arguments}
        if not Step.objects.filter(fenced(step), pk=step.pk).update(action=step.action, input=said):
            raise StaleState("Another worker has taken this step over.")
    step.input = said


def _proposed(
    place: Place,
    tool: Tool,
    arguments: dict[str, Any],
    provenance: list[dict[str, Any]],
    *,
    influenced: bool,
    simulated: bool,
) -> Action:
    run = place.run
    return propose(
        tool=tool,
        arguments=arguments,
        step_id=place.step.id,
        run_id=run.id,
        agent_id=run.agent_id,
        agent_version_id=run.version_id,
        environment=run.environment,
        causes=run.causes,
        scopes=run.scopes,
        provenance=provenance,
        untrusted_influence=influenced,
        simulated=simulated,
        by=WORKER,
    )


def _provenance(place: Place, arguments: dict[str, Any], seen: Seen) -> list[dict[str, Any]]:
    """Return where every value comes from; arguments too large to be listed count as made up."""
    try:
        return [leaf_json(leaf) for leaf in _leaves(place, place.node.arguments, arguments, seen, "")]
    except TooLarge as error:
        return [{"path": "", "value": error.message, "sources": [], "trusted": False, "coincidence": False}]


def _leaves(place: Place, template: Any, value: Any, seen: Seen, path: str) -> Iterator[Leaf]:
    if is_expression(template):
        origins = seen.of(expression_of(template, inside_map=place.inside_map))
        labels = tuple(dict.fromkeys(one.label for one in origins)) or (LITERAL,)
        yield from _named(value, path, labels, all(one.trusted for one in origins))
    elif isinstance(template, dict) and template:
        for name in template:
            yield from _leaves(place, template[name], value[name], seen, f"{path}/{_escaped(name)}")
    elif isinstance(template, list) and template:
        for at, inner in enumerate(template):
            yield from _leaves(place, inner, value[at], seen, f"{path}/{at}")
    else:
        yield from _named(value, path, (LITERAL,), True)


def _named(value: Any, path: str, labels: tuple[str, ...], trusted: bool) -> Iterator[Leaf]:
    """Yield the leaves of one value, all of which come from the same sources."""
    for leaf in trace(value, [Source(labels[0], "trusted" if trusted else "untrusted", "record", value)]):
        yield replace(leaf, path=path + leaf.path, sources=labels, trusted=trusted, coincidence=False)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def outcome_of_node(step: Step, action: Action) -> tuple[StepStatus, dict[str, Any], str] | None:
    """Return how an action node ends with its action; None for an action that a model node has proposed."""
    place = place_of(step)
    if not isinstance(place.node, ActionNode):
        return None
    output: dict[str, Any] = {"action": str(action.id), "trusted": bool(action.tool.options.get("trusted_result"))}
    if action.status == ActionStatus.SIMULATED:
        output["trusted"] = False
    elif action.status != ActionStatus.SUCCEEDED:
        said = f"{action.tool.title} was not carried out ({action.get_status_display().lower()}). {action.explanation}"
        return StepStatus.FAILED, {**output, "trusted": False}, said.strip()
    try:
        checked(place.node, action.result)
    except Failed as error:
        done = "was simulated" if action.is_simulated else "was carried out"
        return StepStatus.FAILED, {**output, "trusted": False}, f"{action.tool.title} {done}. {error}"
    return StepStatus.SUCCEEDED, output, action.explanation
