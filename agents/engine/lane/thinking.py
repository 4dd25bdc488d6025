"""What a claimed step of a carried run comes to: an output or a sentence, and the way on. Nothing is written here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from agents.engine.flow import branch, code
from agents.engine.flow.around import Around, Given
from agents.engine.flow.places import checked
from agents.engine.flow.state import Known, origin_of
from agents.engine.lane.carried import Carried, Spot
from agents.states import StepStatus
from agents.workflows.nodes import Node
from agents.workflows.values import Failed

log = logging.getLogger(__name__)

GIVE: Final[dict[str, Callable[[Around], Given]]] = {"code": code.give, "branch": branch.give}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ends: what it gave, why it failed, and the node that comes after it, None where the flow ends."""

    status: StepStatus
    output: dict[str, Any]
    explanation: str
    to: str | None


def think(carried: Carried) -> Ended | None:
    """Carry the claimed step out; None where something went wrong that nobody foresaw."""
    step = carried.step
    node = carried.workflow.node(step.node)
    try:
        return _succeeded(carried, node)
    except Failed as error:
        _remember(carried, None, StepStatus.FAILED, str(error), trusted=False)
        to = node.on_failure if node.at_most is None or step.visit <= node.at_most + 1 else None
        return Ended(StepStatus.FAILED, {"value": None, "trusted": False}, str(error), to)
    except Exception:  # a defect of ours may not lose this run, nor the others of its round
        log.exception("Step %s failed in a way that nobody foresaw", step.id)
        return None


def _succeeded(carried: Carried, node: Node) -> Ended:
    step = carried.step
    if step.refused:
        raise Failed(step.refused)
    given = GIVE[node.kind](Spot(carried, node))
    value = checked(node, given.value)
    output = {"value": value, "trusted": given.trusted, **({"way": given.way} if given.way else {})}
    _remember(carried, value, StepStatus.SUCCEEDED, "", trusted=given.trusted)
    return Ended(StepStatus.SUCCEEDED, output, "", dict(node.leads_to())[given.way or "next"])


def _remember(carried: Carried, value: Any, status: StepStatus, error: str, *, trusted: bool) -> None:
    """Let later expressions of the ride see the node as the rows would show it."""
    step = carried.step
    described = {"output": value, "status": str(status), "error": error}
    carried.outputs[step.node] = Known(described, origin_of(step.node, step.number, trusted))
