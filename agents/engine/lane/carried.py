"""A run on the lane: what its expressions may read, and the step of it that this process has claimed.

What its nodes gave during the ride is remembered; what they gave before is read when an expression first names it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from agents.engine.flow.around import Around
from agents.engine.flow.state import Known, Seen, known_of, names_in, nodes_in, seen_over, workflow_of
from agents.models import Run, Step
from agents.workflows.graph import Workflow
from agents.workflows.nodes import Node
from agents.workflows.values import Expression


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claimed step; ``refused`` says why its node may not be visited again."""

    id: UUID
    number: int
    node: str
    visit: int
    attempt: int
    refused: str = ""


@dataclass(slots=True)
class Carried:
    """A run on the lane. ``outputs`` are what its nodes gave; ``is_plain``: its end concerns nobody else."""

    run_id: UUID
    workspace_id: UUID
    version_id: UUID
    title: str
    environment: str
    input: dict[str, Any]
    is_plain: bool
    step: Claimed
    outputs: dict[str, Known] = field(default_factory=dict)
    looked_up: set[str] = field(default_factory=set)
    visits: dict[str, int] = field(default_factory=dict)

    @property
    def workflow(self) -> Workflow:
        """What the run carries out."""
        return workflow_of(self.version_id)

    def known(self, wanted: set[str]) -> dict[str, Known]:
        """Return the nodes of ``wanted`` that have given something, or failed."""
        missing = wanted - self.outputs.keys() - self.looked_up
        if missing:
            self.outputs |= known_of(self.run_id, "", missing)
            self.looked_up |= missing
        return {node: self.outputs[node] for node in wanted & self.outputs.keys()}

    def visits_of(self, node: str) -> int:
        """Return how often the run has come to a node."""
        if node not in self.visits:
            newest = Step.objects.filter(run_id=self.run_id, thread="", node=node).order_by("-visit")
            self.visits[node] = newest.values_list("visit", flat=True).first() or 0
        return self.visits[node]


@dataclass(frozen=True, slots=True)
class Spot(Around):
    """Where a node of a carried run stands."""

    carried: Carried
    node: Node

    def see(self, expressions: Iterable[Expression]) -> Seen:
        """Return what the expressions are evaluated over, here."""
        names, carried = names_in(expressions), self.carried
        about = {"id": str(carried.run_id), "title": carried.title, "environment": carried.environment}
        return seen_over(names, carried.known(nodes_in(names)), carried.input, about)


def from_run(run: Run, step: Claimed) -> Carried:
    """Return the carried form of a run whose step was claimed by the engine."""
    is_plain = run.parent_id is None and run.session_id is None
    return Carried(run.id, run.workspace_id, run.version_id, run.title, run.environment, run.input, is_plain, step)
