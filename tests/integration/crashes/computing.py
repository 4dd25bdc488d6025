"""An agent whose workflow only computes, beside the desk of the crash tests: its runs go by the fast lane."""

from datetime import timedelta
from typing import Any, Final

from agents.engine.lane.ride import ride
from agents.models import Agent, ModelRoute, Run, Schedule
from agents.operations import NewTask, create_agent, create_schedule, publish_version, start_runs
from tests.factories import SETUP, Cast

NODES: Final[dict[str, Any]] = {
    "a": {"kind": "code", "function": "same", "arguments": {"value": 1}, "next": "b"},
    "b": {"kind": "branch", "cases": [{"when": "nodes.a.output == 1", "next": "c"}]},
    "c": {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.a.output + 1"}}},
}


def computing_agent(cast: Cast) -> Agent:
    """Return the agent."""
    agent = create_agent(workspace=cast.workspace, name="computing", title="Computing", by=SETUP)
    route = ModelRoute.objects.filter(workspace=cast.workspace).first()
    assert route is not None
    publish_version(agent=agent, goal="", route=route, tools=[], workflow={"start": "a", "nodes": NODES}, by=SETUP)
    return agent


def begin_computing(cast: Cast, agent: Agent, count: int = 3) -> list[Run]:
    """Begin runs of it."""
    ids = start_runs(agent_id=agent.id, tasks=[NewTask(text="Compute.")] * count, by=cast.owner)
    return list(Run.objects.filter(pk__in=ids))


def schedule_computing(cast: Cast, agent: Agent) -> Schedule:
    """Let it have a task every minute, which is due at once."""
    made = create_schedule(agent_id=agent.id, text="Compute.", cron="* * * * *", time_zone="UTC", by=cast.owner)
    assert made.next_at is not None
    Schedule.objects.filter(pk=made.pk).update(next_at=made.next_at - timedelta(minutes=1))
    return made


def ride_on() -> None:
    """Carry on what is due by the lane."""
    ride(call=lambda: None, tell=lambda _: None)
