"""Agents and their versions."""

from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema

from agents.api.serializers import AgentOutput, AgentVersionOutput
from agents.models import Agent, AgentVersion
from workspaces.api.views import RowsView, RowView, WorkspaceView


class AgentRows(WorkspaceView):
    """Agents with their current versions."""

    queryset: QuerySet[Any, Model] = Agent.objects.none()
    serializer_class = AgentOutput

    def visible(self) -> QuerySet[Agent]:
        """Return the agents whose runs the caller may read."""
        found = Agent.objects.visible_to(self.caller).select_related("current_version__route")
        return found.prefetch_related("current_version__tools")


@extend_schema(tags=["agents"])
class AgentsView(AgentRows, RowsView):
    """The agents that the caller may see."""


@extend_schema(tags=["agents"])
class AgentView(AgentRows, RowView):
    """One agent."""


@extend_schema(tags=["agents"])
class AgentVersionsView(RowsView):
    """All versions of one agent."""

    queryset = AgentVersion.objects.none()
    serializer_class = AgentVersionOutput

    def visible(self) -> QuerySet[AgentVersion]:
        """Return the agent's versions."""
        agent = self.find(Agent.objects.visible_to(self.caller), self.kwargs["row_id"])
        return AgentVersion.objects.filter(agent=agent).select_related("route").prefetch_related("tools")
