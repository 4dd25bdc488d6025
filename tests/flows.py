"""Agents that work by a workflow, in the house with the spy outside."""

from typing import Any

import pytest

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import ModelRoute, Run, Step
from agents.operations import create_agent, publish_version, start_run
from tests.factories import SETUP
from tests.house import House
from workspaces.operations import teams


class Flows:
    """Publishes workflows and carries their runs on."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.agent = create_agent(workspace=house.cast.workspace, name="flow", title="Flow", by=SETUP)
        for team in (house.cast.reviewers, house.cast.financiers):
            for right in ("view_agent", "start_agent", "control_agent"):
                teams.grant(team=team, codename=right, target=self.agent, by=SETUP)

    def publish(self, nodes: dict[str, Any], *, start: str = "", limits: dict[str, Any] | None = None, **more: Any):
        """Publish a workflow; it starts with the first node."""
        return publish_version(
            agent=self.agent,
            goal="Be good.",
            route=ModelRoute.objects.get(workspace=self.house.cast.workspace, name="default"),
            tools=list(self.house.tools.values()),
            workflow={"start": start or next(iter(nodes)), "nodes": nodes, **more},
            by=SETUP,
            **(limits or {}),
        )

    def start(self, data: dict[str, Any] | None = None, by=None, text: str = "Please.", **more: Any) -> Run:
        """Begin a run, without carrying it on."""
        return start_run(agent_id=self.agent.id, text=text, data=data, by=by or self.house.cast.owner, **more)

    def run(self, nodes: dict[str, Any], data: dict[str, Any] | None = None, **more: Any) -> Run:
        """Publish a workflow, begin a run and carry it on until it rests."""
        self.publish(nodes, **more)
        return self.rest(self.start(data))

    def rest(self, run: Run) -> Run:
        """Sweep and drive until nothing moves any more."""
        for _ in range(30):
            sweep(lambda _run: None)
            while drive(run.id):
                pass
            moving = run.steps.filter(status__in=["ready", "running"])
            if not moving.exists() and sweep(lambda _run: None) and not moving.exists():
                break
        run.refresh_from_db()
        return run


def nodes_of(run: Run) -> list[tuple[str, str]]:
    """Return the nodes that the run's steps carried out, in order, and what became of each."""
    return [(step.node, step.status) for step in run.steps.order_by("number")]


def step_of(run: Run, node: str) -> Step:
    """Return the newest step of a node."""
    return run.steps.filter(node=node).order_by("-number")[0]


@pytest.fixture
def flows(house: House, settings) -> Flows:
    settings.RETRY_BASE_SECONDS = 0
    return Flows(house)
