"""The workspace in which the peers' workloads run, made by the operations that a real one is made by."""

from dataclasses import dataclass
from typing import Any, Final

import bench.peers.lines  # noqa: F401 - registers the kind of connection
from agents.models import Agent
from agents.operations import create_agent, publish_version, save_route
from approvals.operations import activate_policy, draft_policy, save_queue
from bench.peers.workloads import ADD, ADD_ASKED, WORKFLOWS
from tools.models import Tool
from tools.operations import create_connection, save_tool
from workspaces.actors import System
from workspaces.models import User, Workspace
from workspaces.operations import people, teams

SETUP: Final = System("bench")
QUEUE: Final = "desk"
RULES: Final[list[dict[str, Any]]] = [
    {
        "name": "adding-a-line",
        "when": f"action.tool == '{ADD}' && history.run_same_call < 3",
        "outcome": "allow",
        "reason": "Lines may be added without asking.",
    },
    {
        "name": "asking-first",
        "when": f"action.tool == '{ADD_ASKED}'",
        "outcome": "review",
        "queue": QUEUE,
        "reason": "A person looks at this line first.",
    },
]


@dataclass(frozen=True)
class Desk:
    """The agents by the workload that they carry out, who gives them tasks, and who decides."""

    agents: dict[str, Agent]
    owner: User
    reviewer: User


def make_desk(model_url: str, workflows: dict[str, dict[str, Any]] = WORKFLOWS) -> Desk:
    """Make the workspace; ``model_url`` is where the agents' model answers, empty where nobody asks it."""
    owner = User.objects.create_user("owner@bench.example", "only-for-the-bench", name="Owner")
    reviewer = User.objects.create_user("reviewer@bench.example", "only-for-the-bench", name="Reviewer")
    workspace = people.create_workspace(name="Bench", owner=owner, by=SETUP)
    people.add_member(workspace=workspace, user=reviewer, by=SETUP)
    _let_decide(workspace, reviewer)
    activate_policy(
        version=draft_policy(workspace=workspace, name="lines", title="Lines", rules=RULES, by=SETUP), by=SETUP
    )
    tools = _tools(workspace)
    answering = {"provider": "openai-chat", "model": "fake", "base_url": model_url}
    endpoints = [answering if model_url else {"provider": "demo", "model": "demo-planner"}]
    route = save_route(workspace=workspace, name="model", endpoints=endpoints, by=SETUP)
    agents = {}
    for name, workflow in workflows.items():
        agents[name] = create_agent(workspace=workspace, name=name, title=name, by=SETUP)
        publish_version(agent=agents[name], goal="", route=route, tools=tools, by=SETUP, workflow=workflow)
    return Desk(agents, owner, reviewer)


def _let_decide(workspace: Workspace, reviewer: User) -> None:
    queue = save_queue(workspace=workspace, name=QUEUE, title="Desk", is_default=True, by=SETUP)
    team = teams.create_team(workspace=workspace, name="Reviewers", by=SETUP)
    teams.add_to_team(team=team, user=reviewer, by=SETUP)
    teams.grant(team=team, codename="decide_reviewqueue", target=queue, by=SETUP)


def _tools(workspace: Workspace) -> list[Tool]:
    file = create_connection(workspace=workspace, name="file", kind="lines", config={}, secret={}, by=SETUP)
    return [
        save_tool(
            workspace=workspace,
            name=name,
            title=title,
            description="Adds one line to a file, once.",
            connection=file,
            operation_name="lines.add",
            options={},
            by=SETUP,
        )
        for name, title in ((ADD, "Add a line"), (ADD_ASKED, "Add a line that somebody has looked at"))
    ]
