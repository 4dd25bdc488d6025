"""What is different about an agent for one customer, and what it comes to; for whoever may see the agent."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.setup_serializers import named_rows
from agents.effective import Effective, effective, effective_for
from agents.errors import AgentUnavailable
from agents.models import Agent, Overlay, Run
from agents.operations import publish_overlay
from memory.models import Collection
from tools.models import Tool
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView, WorkspaceView, refuse_empty
from workspaces.models import KeyScope

NAMES: dict[str, Any] = {"default": list}


class OverlayOutput(serializers.ModelSerializer[Overlay]):
    """One version of what is different for one customer."""

    removed_tools = serializers.ListField(child=serializers.CharField(), read_only=True)
    removed_collections = serializers.ListField(child=serializers.CharField(), read_only=True)
    rules = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Overlay
        fields = [
            "id",
            "subject_kind",
            "subject_ref",
            "number",
            "prompt",
            "removed_tools",
            "removed_collections",
            "step_limit",
            "budget_usd",
            "calls_per_turn",
            "rules",
            "created_at",
        ]
        read_only_fields = fields


class OverlayInput(serializers.Serializer[Any]):
    """The next version of what is different for one customer. It narrows the agent's version, or is refused."""

    subject_kind = serializers.CharField(max_length=40, default="customer")
    subject_ref = serializers.CharField(max_length=200, help_text="The customer's id, as the agent finds it.")
    prompt = serializers.CharField(
        max_length=10_000, default="", allow_blank=True, help_text="What the agent is told besides its goal."
    )
    removed_tools = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=200, help_text="Names of tools.", **NAMES
    )
    removed_collections = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=100, help_text="Names of collections.", **NAMES
    )
    step_limit = serializers.IntegerField(min_value=1, max_value=10_000, allow_null=True, default=None)
    budget_usd = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, allow_null=True, default=None, help_text="Per run."
    )
    calls_per_turn = serializers.IntegerField(min_value=1, max_value=100, allow_null=True, default=None)
    rules = serializers.ListField(
        child=serializers.DictField(), max_length=200, help_text="Rules of a policy, each a deny or a review.", **NAMES
    )

    def validate_removed_tools(self, names: list[str]) -> list[Tool]:
        """Return the tools of these names."""
        return named_rows(Tool, self.context["workspace"], names, "tool")

    def validate_removed_collections(self, names: list[str]) -> list[Collection]:
        """Return the collections of these names."""
        return named_rows(Collection, self.context["workspace"], names, "collection")


class OriginOutput(serializers.Serializer[Any]):
    """One part of a configuration, and where it is from."""

    part = serializers.CharField(
        help_text="goal, route, prompt, tool, collection, step_limit, budget_usd, calls_per_turn, policy, rule."
    )
    value = serializers.CharField()
    origin = serializers.CharField(
        help_text="The agent's version, the customer's overlay, a policy, a tool that is disabled, or people."
    )
    removed = serializers.BooleanField(help_text="Whether it does not hold here though the version has it.")
    refused = serializers.CharField(help_text="Why something of the overlay does not hold; else empty.")


class EffectiveOutput(serializers.Serializer[Any]):
    """The configuration that holds, part by part."""

    version = serializers.IntegerField(source="version.number")
    overlay = OverlayOutput(allow_null=True)
    parts = OriginOutput(many=True)


class EffectiveQuery(serializers.Serializer[Any]):
    """For whom; nobody named: the agent's version alone."""

    subject_kind = serializers.CharField(max_length=40, default="customer")
    subject_ref = serializers.CharField(max_length=200, default="")


class OverlayFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which overlays."""

    subject_kind = filters.CharFilter()
    subject_ref = filters.CharFilter()

    class Meta:
        model = Overlay
        fields: list[str] = []


class OfAgent(WorkspaceView):
    """Something about one agent that the caller may see."""

    def agent(self) -> Agent:
        """Return the agent."""
        rows = Agent.objects.visible_to(self.caller).select_related("current_version__route")
        return self.find(rows, self.kwargs["row_id"])


@extend_schema(tags=["overlays"])
class OverlaysView(OfAgent, RowsView):
    """All versions of what is different for the customers of one agent, newest first."""

    scope = KeyScope.CONFIGURATION
    queryset: QuerySet[Any, Model] = Overlay.objects.none()
    serializer_class = OverlayOutput
    filterset_class = OverlayFilter

    def visible(self) -> QuerySet[Overlay]:
        """Return the agent's overlays."""
        return Overlay.objects.filter(agent=self.agent())

    @extend_schema(request=OverlayInput, responses={201: OverlayOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Publish the next version for one customer: runs that come to know them keep to it from then on."""
        agent = self.agent()
        check_owner(self.caller, self.workspace, "publish overlays")
        return once(request, self.workspace, lambda: self._publish(request, agent))

    def _publish(self, request: Request, agent: Agent) -> Response:
        sent = OverlayInput(data=request.data, context={"workspace": self.workspace})
        sent.is_valid(raise_exception=True)
        return self.shown(publish_overlay(agent=agent, by=self.caller, **sent.validated_data), 201)


def _shown(held: Effective) -> Response:
    return Response(EffectiveOutput(held).data)


@extend_schema(tags=["overlays"])
class EffectiveView(OfAgent):
    """What an agent is for one customer."""

    queryset: QuerySet[Any, Model] = Overlay.objects.none()
    serializer_class = EffectiveOutput

    @extend_schema(parameters=[EffectiveQuery], responses=EffectiveOutput)
    def get(self, request: Request, row_id: UUID) -> Response:
        """Answer with what a run begun now would come to, and where each part of it is from."""
        agent = self.agent()
        refuse_empty(request)
        asked = EffectiveQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if agent.current_version is None:
            raise AgentUnavailable(f"{agent.title} has no version.", "Publish one first.")
        overlay = Overlay.objects.newest(agent.id, **asked.validated_data)
        return _shown(effective(agent.current_version, overlay))


@extend_schema(tags=["overlays"])
class RunEffectiveView(WorkspaceView):
    """What an agent is for one run."""

    queryset: QuerySet[Any, Model] = Run.objects.none()
    serializer_class = EffectiveOutput

    @extend_schema(responses=EffectiveOutput)
    def get(self, request: Request, row_id: UUID) -> Response:
        """Answer with the version that the run began with, the overlay that it took and what people extended."""
        rows = Run.objects.visible_to(self.caller).select_related("version__route", "overlay")
        return _shown(effective_for(self.find(rows, row_id)))
