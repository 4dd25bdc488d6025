"""Agents and versions, model routes and their endpoints, runs, steps and workers."""

from agents.models.agent import Agent, AgentGrant, AgentVersion, AgentVersionCollection, AgentVersionTool
from agents.models.endpoint import EndpointState, Standing
from agents.models.overlay import Overlay
from agents.models.rate import Rate, RateKind
from agents.models.route import ModelRoute
from agents.models.run import Run
from agents.models.schedule import CatchUp, Overlap, Schedule
from agents.models.signal import RunSignal
from agents.models.step import Step
from agents.models.worker import Sweep, Worker

__all__ = [
    "Agent",
    "AgentGrant",
    "AgentVersion",
    "AgentVersionCollection",
    "AgentVersionTool",
    "CatchUp",
    "EndpointState",
    "ModelRoute",
    "Overlap",
    "Overlay",
    "Rate",
    "RateKind",
    "Run",
    "RunSignal",
    "Schedule",
    "Standing",
    "Step",
    "Sweep",
    "Worker",
]
