"""Unit economics by agent, for whoever may see the agent; and the stated rates behind them, for owners."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import AgentName
from agents.api.usage import PeriodQuery, period_of
from agents.economics import economics_of
from agents.models import Agent, Rate, RateKind
from agents.operations import state_rate
from agents.usage import CURRENCY
from approvals.models import ReviewQueue
from tools.models import Environment, Tool
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowsView, WorkspaceView
from workspaces.models import KeyScope

MONEY: dict[str, Any] = {"max_digits": 24, "decimal_places": 6, "read_only": True}


class EconomicsOutput(serializers.Serializer[Any]):
    """What an agent's runs that ended in the period cost and were worth. Unknown costs are counted, never zero."""

    agent = AgentName(read_only=True)
    environment = serializers.CharField(help_text="Of which runs: live or sandbox, never both.")
    currency = serializers.CharField(default=CURRENCY)
    value = serializers.DecimalField(**MONEY, allow_null=True, help_text="Of one task, as stated; null: not stated.")
    runs = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    verified = serializers.IntegerField(help_text="Succeeded, all effects read back as meant, none rolled back.")
    model = serializers.DecimalField(**MONEY)
    retries = serializers.DecimalField(**MONEY, help_text="Failed and lost model calls, and repeated tool calls.")
    tools = serializers.DecimalField(**MONEY)
    reviewers = serializers.DecimalField(**MONEY)
    review_seconds = serializers.DecimalField(**MONEY)
    decisions = serializers.IntegerField()
    cost = serializers.DecimalField(**MONEY)
    cost_per_success = serializers.DecimalField(**MONEY, allow_null=True, help_text="Per verified success.")
    margin = serializers.DecimalField(**MONEY, allow_null=True)
    unpriced_calls = serializers.IntegerField()
    unrated_decisions = serializers.IntegerField()
    is_complete = serializers.BooleanField(help_text="False: some cost is unknown, so that cost is a least one.")


class EconomicsQuery(PeriodQuery):
    """Whose, and which days of UTC."""

    agent = serializers.CharField(max_length=60, required=False, help_text="One agent alone, by name.")
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.LIVE)


@extend_schema(tags=["usage"])
class EconomicsView(WorkspaceView):
    """What agents cost and are worth."""

    queryset = Agent.objects.none()
    serializer_class = EconomicsOutput

    def visible(self) -> QuerySet[Agent]:
        """Return the agents whose runs the caller may read."""
        return Agent.objects.visible_to(self.caller)

    @extend_schema(parameters=[EconomicsQuery], responses=EconomicsOutput(many=True), filters=True)
    def get(self, request: Request) -> Response:
        """Answer with one row an agent, over the runs that ended in the period; a run counts when it is over."""
        asked = period_of(request, EconomicsQuery)
        agents = self.get_queryset()
        page = self.paginate_queryset(agents.filter(name=asked["agent"]) if "agent" in asked else agents) or []
        found = economics_of(page, asked["since"], asked["until"], asked["environment"])
        rows = EconomicsOutput([found[agent.id] for agent in page], many=True)
        return self.get_paginated_response(rows.data)


class RateOutput(serializers.ModelSerializer[Rate]):
    """An amount in US dollars, as it holds now."""

    currency = serializers.CharField(default=CURRENCY, read_only=True)

    class Meta:
        model = Rate
        fields = ["id", "kind", "scope_id", "name", "amount", "currency", "changed_at"]
        read_only_fields = fields


class RateInput(serializers.Serializer[Any]):
    """What a task is worth, what a call costs, or what an hour of review costs; said again, the last one holds."""

    kind = serializers.ChoiceField(choices=RateKind.choices)
    of = serializers.CharField(
        max_length=100,
        required=False,
        help_text="The name of the agent, tool or queue. Left out for review_hour: the whole workspace.",
    )
    amount = serializers.DecimalField(max_digits=18, decimal_places=6, min_value=0)
    currency = serializers.CharField(max_length=10, default=CURRENCY)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Replace the name by what it names in the workspace; nothing where it names nothing."""
        named = attrs.get("of")
        models = {RateKind.TASK_VALUE: Agent, RateKind.CALL_PRICE: Tool, RateKind.REVIEW_HOUR: ReviewQueue}
        rows: Any = models[attrs["kind"]]._default_manager.filter(workspace=self.context["workspace"])
        attrs["of"] = rows.filter(name=named).first() if named else None
        if named and attrs["of"] is None:
            raise serializers.ValidationError({"of": [f"There is nothing of this kind named {named!r} here."]})
        return attrs


@extend_schema(tags=["usage"])
class RatesView(OwnersView, RowsView):
    """What is stated about money; only owners see it."""

    scope = KeyScope.CONFIGURATION
    what = "see and state values, prices and wages"
    queryset = Rate.objects.none()
    serializer_class = RateOutput

    @extend_schema(request=RateInput, responses={201: RateOutput})
    def post(self, request: Request) -> Response:
        """State a value, a price or a wage in US dollars; it holds for everything that is computed from now on."""
        return once(request, self.workspace, lambda: self._state(request))

    def _state(self, request: Request) -> Response:
        sent = RateInput(data=request.data, context={"workspace": self.workspace})
        sent.is_valid(raise_exception=True)
        return self.shown(state_rate(workspace=self.workspace, by=self.caller, **sent.validated_data), 201)
