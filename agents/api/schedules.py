"""Schedules: tasks given again and again. Who may see the agent sees them; who may give it tasks makes them."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.runs import KEY
from agents.models import Agent, CatchUp, Overlap, Schedule
from agents.operations import change_schedule, create_schedule
from agents.operations.schedules import database_now
from agents.times import clock_changes, upcoming
from tools.models import Environment
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView, RowView, WorkspaceView
from workspaces.models import KeyScope

CRON = "Five fields, such as 30 8 * * 1-5: minute, hour, day of the month, month, day of the week."
ZONE = "Such as Europe/Berlin."


class ScheduleRow(serializers.ModelSerializer[Schedule]):
    """A schedule in a list."""

    agent = serializers.CharField(source="agent.name")
    last_run = serializers.UUIDField(source="last_run_id", allow_null=True, help_text="The run started last.")
    created_by = serializers.CharField(source="created_by.__str__", help_text="With whose rights it runs.")

    class Meta:
        model = Schedule
        fields = [
            "id",
            "agent",
            "text",
            "cron",
            "time_zone",
            "overlap",
            "catch_up",
            "environment",
            "is_enabled",
            "reason",
            "next_at",
            "last_at",
            "last_run",
            "created_by",
            "created_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"reason": {"help_text": "Why it stopped, or why nothing was started the last time."}}


class ScheduleOutput(ScheduleRow):
    """One schedule, with its times."""

    next_times = serializers.SerializerMethodField(help_text="The next five, in UTC.")
    clock_changes = serializers.SerializerMethodField(
        help_text="What becomes of times that the clocks will skip or show twice within a year."
    )

    class Meta(ScheduleRow.Meta):
        fields = [*ScheduleRow.Meta.fields, "next_times", "clock_changes"]
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "string", "format": "date-time"}})
    def get_next_times(self, schedule: Schedule) -> list[str]:
        """Return when it falls due next; nothing where it is turned off."""
        if not schedule.is_enabled:
            return []
        found = upcoming(schedule.cron, schedule.time_zone, database_now())
        return [at.isoformat().replace("+00:00", "Z") for at in found]

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_clock_changes(self, schedule: Schedule) -> list[str]:
        """Return a sentence for each."""
        return clock_changes(schedule.cron, schedule.time_zone, database_now())


class ScheduleInput(serializers.Serializer[Any]):
    """A task to give again and again."""

    agent = serializers.CharField(max_length=60, help_text="The agent's name.")
    text = serializers.CharField(help_text="The task, in free text.")
    cron = serializers.CharField(max_length=100, help_text=CRON)
    time_zone = serializers.CharField(max_length=64, help_text=ZONE)
    overlap = serializers.ChoiceField(choices=Overlap.choices, default=Overlap.SKIP)
    catch_up = serializers.ChoiceField(choices=CatchUp.choices, default=CatchUp.LATEST)
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.LIVE)


class ScheduleChange(serializers.Serializer[Any]):
    """What may change of a schedule; what is left out stays."""

    text = serializers.CharField(required=False)
    cron = serializers.CharField(max_length=100, required=False, help_text=CRON)
    time_zone = serializers.CharField(max_length=64, required=False, help_text=ZONE)
    overlap = serializers.ChoiceField(choices=Overlap.choices, required=False)
    catch_up = serializers.ChoiceField(choices=CatchUp.choices, required=False)
    is_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change.")
        return attrs


class ScheduleFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which schedules."""

    agent = filters.CharFilter(field_name="agent__name")
    is_enabled = filters.BooleanFilter()

    class Meta:
        model = Schedule
        fields: list[str] = []


class ScheduleRows(WorkspaceView):
    """The schedules of the agents that the caller may see."""

    scope = KeyScope.RUNS
    queryset: QuerySet[Any, Model] = Schedule.objects.none()
    serializer_class: type[serializers.BaseSerializer[Any]] = ScheduleOutput

    def visible(self) -> QuerySet[Schedule]:
        """Return them with the run that each started last."""
        return Schedule.objects.visible_to(self.caller).select_related("agent", "created_by").with_last_run()

    def answer(self, schedule: Schedule, status: int = 200, **headers: str) -> Response:
        """Answer with one schedule as it is now."""
        found = self.find(self.visible(), schedule.id)
        return Response(ScheduleOutput(found).data, status=status, headers=headers)


@extend_schema(tags=["schedules"])
class SchedulesView(ScheduleRows, RowsView):
    """All schedules, newest first."""

    serializer_class = ScheduleRow
    filterset_class = ScheduleFilter

    @extend_schema(request=ScheduleInput, responses={201: ScheduleOutput}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        """Make a schedule. The answer says when it falls due next, and what clocks that change will do to it."""
        return once(request, self.workspace, lambda: self._create(request), required=True)

    def _create(self, request: Request) -> Response:
        sent = ScheduleInput(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        rows = Agent.objects.filter(workspace_id=self.workspace.id, name=values.pop("agent"))
        agent_id = rows.values_list("id", flat=True).first() or UUID(int=0)
        made = create_schedule(agent_id=agent_id, by=self.caller, **values)
        return self.answer(made, 201, Location=f"{request.path}{made.id}/")


@extend_schema(tags=["schedules"])
class ScheduleView(ScheduleRows, RowView):
    """One schedule."""

    @extend_schema(request=ScheduleChange, responses=ScheduleOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change it, or turn it on or off. Only who made it and owners may; what comes of it, they have caused."""
        schedule = self.find(self.visible(), row_id)
        sent = ScheduleChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.answer(change_schedule(schedule_id=schedule.id, by=self.caller, **sent.validated_data))

    @extend_schema(request=None, responses={200: ScheduleOutput})
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Turn it off. It stays on record, as do the runs that it started."""
        schedule = self.find(self.visible(), row_id)
        return self.answer(change_schedule(schedule_id=schedule.id, by=self.caller, is_enabled=False))
