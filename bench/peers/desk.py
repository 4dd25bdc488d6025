"""The workspace in which the peers' workloads run."""

from typing import Any

from agents.models import Agent
from agents.operations import create_agent, publish_version, save_route
from workspaces.actors import System
from workspaces.models import User
from workspaces.operations import people

SETUP = System("bench")


def make_desk(workflow: dict[str, Any]) -> tuple[Agent, User]:
    """Return an agent that carries ``workflow`` out, and the owner who gives it tasks."""
    owner = User.objects.create_user("owner@bench.example", "only-for-the-bench", name="Owner")
    workspace = people.create_workspace(name="Bench", owner=owner, by=SETUP)
    agent = create_agent(workspace=workspace, name="chain", title="Chain", by=SETUP)
    route = save_route(
        workspace=workspace, name="none", endpoints=[{"provider": "demo", "model": "demo-planner"}], by=SETUP
    )
    publish_version(agent=agent, goal="", route=route, tools=[], by=SETUP, workflow=workflow)
    return agent, owner
