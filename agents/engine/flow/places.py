"""A claimed step in its place in the workflow, and how it ends there: with an output, or with a sentence.

Whatever goes wrong with data (an expression, a schema, a function) fails the node and nothing else: the worker goes on,
and the workflow goes the way of the failure or ends with the sentence.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.db import transaction

from agents.engine.flow.around import Around, Given
from agents.engine.flow.joins import NOT_NEEDED, is_left_over
from agents.engine.flow.state import Seen, see, workflow_of
from agents.engine.limits import ask_to_extend, limit_reached
from agents.engine.outcomes import finish, lock_run
from agents.engine.turns import go_on
from agents.models import Run, Step
from agents.states import StepStatus
from agents.workflows.graph import Workflow
from agents.workflows.nodes import Node
from agents.workflows.values import Expression, Failed
from approvals.errors import NoQueue
from tools.schemas import problems_of
from workspaces.canonical import sanitise

MAX_OUTPUT_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Place(Around):
    """A step, and the node that it carries out."""

    step: Step
    workflow: Workflow
    node: Any

    @property
    def run(self) -> Run:
        """The step's run."""
        return self.step.run

    @property
    def inside_map(self) -> bool:
        """Whether the step works on one item of a map, so that expressions know ``item`` and ``index``."""
        return self.workflow.is_inside_map(self.step.node)

    def see(self, expressions: Iterable[Expression]) -> Seen:
        """Return what the expressions are evaluated over, here."""
        return see(self.run, self.step.thread, expressions)


Work = Callable[[Place], Given | None]


def place_of(step: Step) -> Place:
    """Return the place of a step of a workflow."""
    workflow = workflow_of(step.run.version_id)
    return Place(step, workflow, workflow.node(step.node))


def of_node(work: Work) -> Callable[[Step], None]:
    """Make a step's performance of what a kind of node does; None says that the step goes on later."""

    @wraps(work)
    def perform(step: Step) -> None:
        place = place_of(step)
        try:
            refused = NOT_NEEDED if is_left_over(step) else step.input.get("refused", "")
            if refused:
                raise Failed(refused)
            if _stands_still(place):
                return
            given = work(place)
            if given is not None:
                conclude(place, given)
        except Failed as error:
            fail(place, str(error))

    return perform


def conclude(place: Place, given: Given) -> None:
    """End the step with what its node gives, and go on; raise ``Failed`` where that does not fit the node's schema."""
    value = checked(place.node, given.value)
    output = {"value": value, "trusted": given.trusted, **({"way": given.way} if given.way else {})}
    with transaction.atomic():
        run = lock_run(place.step)
        finish(run, place.step, StepStatus.SUCCEEDED, output=output)
        go_on(run, place.step)


def fail(place: Place, sentence: str, *, way: str = "") -> None:
    """End the step with a sentence, and go the way of the failure, or ``way``."""
    output = {"value": None, "trusted": False, **({"way": way} if way else {})}
    with transaction.atomic():
        run = lock_run(place.step)
        finish(run, place.step, StepStatus.FAILED, output=output, explanation=sentence)
        go_on(run, place.step)


def checked(node: Node, value: Any) -> Any:
    """Return an output as it is stored; raise ``Failed`` where it is too large, or does not fit the node's schema."""
    kept = sanitise(value)
    size = len(json.dumps(kept, ensure_ascii=False).encode())
    if size > MAX_OUTPUT_BYTES:
        raise Failed(f"Its output has {size:,} bytes; a node may give {MAX_OUTPUT_BYTES:,}. Let it give less.")
    problems = problems_of(kept, node.output) if node.output is not None else []
    if problems:
        where = f"{problems[0].path}: " if problems[0].path else ""
        raise Failed(f"Its output does not fit the node's schema. {where}{problems[0].sentence}")
    return kept


def _stands_still(place: Place) -> bool:
    """Ask people where the run has reached a limit; raise ``Failed`` where nobody can be asked."""
    step, limit = place.step, limit_reached(place.run)
    if limit is None:
        return False
    sentence, about = limit
    try:
        ask_to_extend(step, sentence, about=about)
    except NoQueue as nobody:
        step.refresh_from_db()  # the wait was rolled back, which its row in memory does not know
        raise Failed(f"{sentence} {nobody.message} {nobody.hint}") from nobody
    return True
