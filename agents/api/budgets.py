"""Budgets that hold for more than one run. Only owners see and change them; a run shows its own."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from agents.operations import set_up_budget
from tools.models import Budget, BudgetScope, Environment, Period
from tools.models.budget import period_end
from tools.operations import change_budget
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowsView, RowView
from workspaces.models import KeyScope


class BudgetOfOutput(serializers.ModelSerializer[Budget]):
    """A cap, and how much of it is used or held in the present period."""

    environments = serializers.SerializerMethodField(help_text="The runs of which environments take from it.")
    begins_anew_on = serializers.SerializerMethodField(help_text="In UTC; null: never.")

    class Meta:
        model = Budget
        fields = [
            "id",
            "scope_kind",
            "scope_id",
            "name",
            "subject_kind",
            "subject_ref",
            "unit",
            "period",
            "counted_from",
            "begins_anew_on",
            "environments",
            "limit",
            "spent",
            "reserved",
            "is_enabled",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Budget) -> dict[str, Any]:
        """Show the budget as it stands today: what an earlier period used is over."""
        instance.begin_anew(datetime.now(UTC).date())
        return super().to_representation(instance)

    def get_environments(self, budget: Budget) -> list[str]:
        """Return them: money is spent in both, and customers are live."""
        live_only = budget.scope_kind == BudgetScope.CUSTOMER
        return [Environment.LIVE.value] if live_only else [one.value for one in Environment]

    def get_begins_anew_on(self, budget: Budget) -> str | None:
        """Return the day on which the next period begins."""
        anew = period_end(budget.period, budget.counted_from)
        return anew.isoformat() if anew else None


class BudgetInput(serializers.Serializer[Any]):
    """A new budget. The context gives the ``workspace`` whose agents may be named."""

    scope_kind = serializers.ChoiceField(choices=BudgetScope.choices)
    agent = serializers.CharField(required=False, max_length=60, help_text="Its name, for the budget of an agent.")
    subject_kind = serializers.CharField(max_length=40, default="customer", help_text="For the budget of a customer.")
    subject_ref = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="The customer's id, as agents find it."
    )
    unit = serializers.CharField(max_length=20, help_text="usd, tokens or steps.")
    period = serializers.ChoiceField(choices=Period.choices, default=Period.TOTAL, help_text="Days and months of UTC.")
    limit = serializers.DecimalField(max_digits=18, decimal_places=6, min_value=0)

    def validate_agent(self, name: str) -> Agent:
        """Return the agent of this name."""
        found = Agent.objects.filter(workspace=self.context["workspace"], name=name).first()
        if found is None:
            raise serializers.ValidationError(f"There is no agent named {name!r} in this workspace.")
        return found


class BudgetChange(serializers.Serializer[Any]):
    """What may change of a budget; what is left out stays."""

    limit = serializers.DecimalField(max_digits=18, decimal_places=6, min_value=0, required=False)
    is_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change: limit or is_enabled.")
        return attrs


class BudgetFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which budgets."""

    scope_kind = filters.MultipleChoiceFilter(choices=BudgetScope.choices)
    scope_id = filters.UUIDFilter()

    class Meta:
        model = Budget
        fields: list[str] = []


class BudgetRows(OwnersView):
    """Caps on a workspace, its agents and its customers."""

    scope = KeyScope.CONFIGURATION
    what = "see and change its budgets"
    queryset: QuerySet[Any, Model] = Budget.objects.none()
    serializer_class = BudgetOfOutput

    def visible(self) -> QuerySet[Budget]:
        """Return the budgets that hold for more than one run."""
        return Budget.objects.exclude(scope_kind=BudgetScope.RUN).select_related("workspace")


@extend_schema(tags=["budgets"])
class BudgetsView(BudgetRows, RowsView):
    """The workspace's budgets."""

    filterset_class = BudgetFilter

    @extend_schema(request=BudgetInput, responses={201: BudgetOfOutput})
    def post(self, request: Request) -> Response:
        """Set up a budget; it begins to count now."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = BudgetInput(data=request.data, context={"workspace": self.workspace})
        sent.is_valid(raise_exception=True)
        made = set_up_budget(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return self.shown(made, 201, Location=f"{request.path}{made.id}/")


@extend_schema(tags=["budgets"])
class BudgetView(BudgetRows, RowView):
    """One budget."""

    @extend_schema(request=BudgetChange, responses=BudgetOfOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Raise or lower it, or let it hold no more. Runs that wait for it go on by themselves."""
        budget = self.find(self.visible(), row_id)
        sent = BudgetChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.shown(change_budget(budget=budget, by=self.caller, **sent.validated_data))
