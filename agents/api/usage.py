"""What was used, by day, agent, customer, run or step, of the agents that the caller may see."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from agents.usage import BY_NAME, CURRENCY, Group, check_key, grouped, labels, usage_between
from tools.models import Environment, UsageRecord
from workspaces.api.paging import NewestFirst
from workspaces.api.views import WorkspaceView, refuse_empty

DAYS = 30


class PeriodQuery(serializers.Serializer[Any]):
    """Which days of UTC; both left out, the last thirty."""

    since = serializers.DateField(required=False, help_text="The first day, in UTC. Left out: 30 days before until.")
    until = serializers.DateField(required=False, help_text="The day after the last one. Left out: tomorrow.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill in what was left out; refuse a period that ends before it begins."""
        try:
            attrs.setdefault("until", datetime.now(UTC).date() + timedelta(days=1))
            attrs.setdefault("since", attrs["until"] - timedelta(days=DAYS))
        except OverflowError as error:
            raise serializers.ValidationError({"until": ["Choose a later day."]}) from error
        if attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"until": ["Choose a day that is not before since."]})
        return attrs


class UsageQuery(PeriodQuery):
    """What to add up, and how."""

    group_by = serializers.ChoiceField(choices=Group.choices, default=Group.DAY)
    agent = serializers.CharField(max_length=60, required=False, help_text="Of one agent alone, by name.")
    run = serializers.UUIDField(required=False, help_text="Of one run alone.")
    environment = serializers.ChoiceField(
        choices=Environment.choices, required=False, help_text="Of one environment alone; left out: of both."
    )


class UsageGroupOutput(serializers.Serializer[Any]):
    """What the calls of one day, agent, customer, run or step used; those of unknown price are never free."""

    key = serializers.CharField(help_text="The day, the id, or the customer's kind and id; empty: no customer known.")
    label = serializers.CharField()  # type: ignore[assignment]  # a field of that name, not the field's own label
    runs = serializers.IntegerField()
    calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    known_cost = serializers.DecimalField(max_digits=18, decimal_places=6)
    currency = serializers.CharField(default=CURRENCY)
    unpriced_calls = serializers.IntegerField()


class ByKey(NewestFirst):
    """Groups by their key; customers by their names."""

    group = Group.DAY

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Order as the groups are."""
        return ("key",) if self.group in BY_NAME else ("-key",)

    def check_position(self, position: str) -> None:
        """Raise ``ValueError`` for what is no key of these groups."""
        check_key(self.group, position)


def period_of(request: Request, shape: type[PeriodQuery]) -> dict[str, Any]:
    """Return what the query asks for; raise a validation error for what cannot be answered."""
    refuse_empty(request)
    asked = shape(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


@extend_schema(tags=["usage"])
class UsageReportView(WorkspaceView):
    """Tokens and money, added up."""

    queryset = UsageRecord.objects.none()
    serializer_class = UsageGroupOutput
    pagination_class = ByKey

    @extend_schema(parameters=[UsageQuery], responses=UsageGroupOutput(many=True), filters=True)
    def get(self, request: Request) -> Response:
        """Answer with what was used, the newest day, run or step first; a period is one of days in UTC."""
        asked = period_of(request, UsageQuery)
        group = Group(asked["group_by"])
        pages = ByKey()
        pages.group = group
        page: list[dict[str, Any]] = (
            pages.paginate_queryset(grouped(self._rows(asked), group), request, view=self) or []
        )
        named = labels(group, [row["key"] for row in page])
        shown = [{**row, "label": named.get(row["key"], ""), "currency": CURRENCY} for row in page]
        return pages.get_paginated_response(UsageGroupOutput(shown, many=True).data)

    def _rows(self, asked: dict[str, Any]) -> QuerySet[UsageRecord]:
        rows = usage_between(self.caller, self.workspace, asked["since"], asked["until"])
        if "agent" in asked:
            agents = Agent.objects.filter(workspace=self.workspace, name=asked["agent"])
            rows = rows.filter(agent_id__in=agents.values("id"))
        if "run" in asked:
            rows = rows.filter(run_id=asked["run"])
        if "environment" in asked:
            rows = rows.filter(environment=asked["environment"])
        return rows
