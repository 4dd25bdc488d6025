"""Agents, their versions and model routes. Owners set them up; who may see an agent may read it."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import AgentOutput, AgentVersionOutput
from agents.api.setup_serializers import AgentChange, AgentInput, RouteChange, RouteInput, RouteOutput, VersionInput
from agents.models import Agent, AgentVersion, ModelRoute
from agents.operations import create_agent, publish_version, save_route, set_agent_enabled
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowsView, RowView, WorkspaceView
from workspaces.models import KeyScope


class AgentRows(WorkspaceView):
    """Agents with their current versions."""

    scope = KeyScope.CONFIGURATION
    queryset: QuerySet[Any, Model] = Agent.objects.none()
    serializer_class = AgentOutput

    def visible(self) -> QuerySet[Agent]:
        """Return the agents whose runs the caller may read."""
        found = Agent.objects.visible_to(self.caller).select_related("current_version__route")
        return found.prefetch_related("current_version__tools", "current_version__collections")


@extend_schema(tags=["agents"])
class AgentsView(AgentRows, RowsView):
    """The agents that the caller may see."""

    @extend_schema(request=AgentInput, responses={201: AgentOutput})
    def post(self, request: Request) -> Response:
        """Set up an agent; it takes no tasks until a version of it is published."""
        check_owner(self.caller, self.workspace, "set up agents")
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = AgentInput(data=request.data)
        sent.is_valid(raise_exception=True)
        agent = create_agent(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return self.shown(agent, 201, Location=f"{request.path}{agent.id}/")


@extend_schema(tags=["agents"])
class AgentView(AgentRows, RowView):
    """One agent."""

    @extend_schema(request=AgentChange, responses=AgentOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Let the agent take new tasks, or stop that; runs under way go on (pause the agent to stop them too)."""
        agent = self.find(self.visible(), row_id)
        check_owner(self.caller, self.workspace, "enable and disable agents")
        sent = AgentChange(data=request.data)
        sent.is_valid(raise_exception=True)
        set_agent_enabled(agent=agent, enabled=sent.validated_data["is_enabled"], by=self.caller)
        return self.shown(agent)


@extend_schema(tags=["agents"])
class AgentVersionsView(RowsView):
    """All versions of one agent."""

    scope = KeyScope.CONFIGURATION
    queryset = AgentVersion.objects.none()
    serializer_class = AgentVersionOutput

    def visible(self) -> QuerySet[AgentVersion]:
        """Return the agent's versions."""
        found = AgentVersion.objects.filter(agent=self._agent()).select_related("route")
        return found.prefetch_related("tools", "collections")

    def _agent(self) -> Agent:
        return self.find(Agent.objects.visible_to(self.caller), self.kwargs["row_id"])

    @extend_schema(request=VersionInput, responses={201: AgentVersionOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Publish a version: it never changes, new runs begin with it, and runs under way keep theirs."""
        agent = self._agent()
        check_owner(self.caller, self.workspace, "publish agent versions")
        return once(request, self.workspace, lambda: self._publish(request, agent))

    def _publish(self, request: Request, agent: Agent) -> Response:
        sent = VersionInput(data=request.data, context={"workspace": self.workspace})
        sent.is_valid(raise_exception=True)
        return self.shown(publish_version(agent=agent, by=self.caller, **sent.validated_data), 201)


class RouteRows(OwnersView):
    """Where models are reached; only owners see it."""

    scope = KeyScope.CONFIGURATION
    what = "see and change its model routes"
    queryset: QuerySet[Any, Model] = ModelRoute.objects.none()
    serializer_class = RouteOutput


@extend_schema(tags=["routes"])
class RoutesView(RouteRows, RowsView):
    """The workspace's model routes."""

    @extend_schema(request=RouteInput, responses={201: RouteOutput})
    def post(self, request: Request) -> Response:
        """Set up a model route: the endpoints to ask, in this order."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = RouteInput(data=request.data)
        sent.is_valid(raise_exception=True)
        route = save_route(workspace=self.workspace, by=self.caller, is_new=True, **sent.validated_data)
        return self.shown(route, 201, Location=f"{request.path}{route.id}/")


@extend_schema(tags=["routes"])
class RouteView(RouteRows, RowView):
    """One model route."""

    @extend_schema(request=RouteChange, responses=RouteOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change the endpoints or the longest answer; what is left out stays. The next model call goes by it."""
        with transaction.atomic():  # what is left out stays as it is by now
            route = self.find(self.visible().select_for_update(), row_id)
            sent = RouteChange(data=request.data)
            sent.is_valid(raise_exception=True)
            values = {"endpoints": route.endpoints, "max_output_tokens": route.max_output_tokens, **sent.validated_data}
            saved = save_route(workspace=self.workspace, name=route.name, by=self.caller, **values)
        return self.shown(saved)
