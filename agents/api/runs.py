"""Runs: giving tasks, watching them, cancelling them, and rolling back what they did."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.serializers import (
    ConfirmationInput,
    RollbackInput,
    RunInput,
    RunOutput,
    RunRow,
    StepOutput,
)
from agents.api.usage_serializers import UsageOutput
from agents.models import Agent, Run, Step
from agents.operations import cancel_run, confirm_rollback, preview_rollback, retry_step, start_run
from agents.states import RunKind, RunStatus
from agents.waiting import why_it_waits
from tools.models import Budget, Environment, UsageRecord
from workspaces.api.filters import InstantFilter
from workspaces.api.idempotency import HEADER, once
from workspaces.api.paging import OldestFirst
from workspaces.api.views import RowsView, RowView, WorkspaceView
from workspaces.errors import NotFound
from workspaces.models import KeyScope, Pause

KEY = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="A fresh UUID for each new task."
)


class RunFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which runs."""

    status = filters.MultipleChoiceFilter(choices=RunStatus.choices)
    kind = filters.MultipleChoiceFilter(choices=RunKind.choices)
    environment = filters.ChoiceFilter(choices=Environment.choices)
    agent = filters.CharFilter(field_name="agent__name")
    session = filters.UUIDFilter(field_name="session_id")
    rolls_back = filters.UUIDFilter(field_name="rolls_back_id")
    since = InstantFilter(field_name="created_at", lookup_expr="gte")
    until = InstantFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Run
        fields: list[str] = []


class RunRows(WorkspaceView):
    """The runs that the caller may see."""

    queryset = Run.objects.none()

    def visible(self) -> QuerySet[Run]:
        """Return the runs of the agents that the caller may see."""
        found = Run.objects.visible_to(self.caller).select_related("agent", "version", "started_by")
        return found.defer("version__workflow")

    def shown_run(self, run_id: UUID, status: int = 200, **headers: str) -> Response:
        """Answer with everything about one run."""
        run: Any = self.find(self.visible(), run_id)
        run.budgets = Budget.objects.filter(scope_id=run.id)
        run.usage = _usage(run)
        run.pauses = list(Pause.objects.over(run.scopes).select_related("created_by", "released_by"))
        holding = [pause for pause in run.pauses if not (run.is_repair and pause.allows_repair)]
        run.waiting = why_it_waits(run, self.caller, holding)
        return Response(RunOutput(run).data, status=status, headers=headers)


def _usage(run: Run) -> dict[str, Any]:
    rows = UsageRecord.objects.filter(run_id=run.id)
    totals = rows.aggregate(
        calls=Count("id"),
        input_tokens=Coalesce(Sum("input_tokens"), 0),
        output_tokens=Coalesce(Sum("output_tokens"), 0),
        known_cost=Coalesce(Sum("cost"), Decimal(0)),
        unpriced_calls=Count("id", filter=Q(cost=None)),
    )
    return {**totals, "currency": "USD"}


@extend_schema(tags=["runs"])
class RunsView(RunRows, RowsView):
    """All runs, newest first, and the way to give a task."""

    scope = KeyScope.RUNS
    serializer_class = RunRow
    filterset_class = RunFilter

    @extend_schema(request=RunInput, responses={201: RunOutput}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        """Give a task in free text to an agent. Sent again with the same key, it is answered again and begun once."""
        return once(request, self.workspace, lambda: self._start(request), required=True)

    def _start(self, request: Request) -> Response:
        sent = RunInput(data=request.data)
        sent.is_valid(raise_exception=True)
        agent = self._agent(sent.validated_data["agent"])
        said = {name: sent.validated_data.get(name) for name in ("text", "environment", "data", "priority")}
        run = start_run(agent_id=agent.id, by=self.caller, source="api", **said)
        return self.shown_run(run.id, 201, Location=f"{request.path}{run.id}/")

    def _agent(self, named: str) -> Agent:
        try:
            return self.find(Agent.objects.visible_to(self.caller), self._agent_id(named))
        except NotFound as error:
            hint = "Check the name at /api/v1/agents/: what is not listed there, this account has no right to."
            raise NotFound(error.message, hint) from error

    def _agent_id(self, named: str) -> UUID:
        """Return the id that ``named`` is, or that belongs to this name; an id that nobody has where there is none."""
        try:
            return UUID(named)
        except ValueError:
            found = Agent.objects.filter(workspace_id=self.workspace.id, name=named).values_list("id", flat=True)
            return found.first() or UUID(int=0)


@extend_schema(tags=["runs"], responses=RunOutput)
class RunView(RunRows, RowView):
    """One run."""

    serializer_class = RunOutput

    def get(self, request: Request, row_id: UUID) -> Response:
        """Answer with everything about the run."""
        return self.shown_run(row_id)


@extend_schema(tags=["runs"])
class CancelView(RunRows):
    """The end of a run before its time."""

    scope = KeyScope.RUNS
    serializer_class = RunOutput

    @extend_schema(request=None, responses=RunOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Cancel what has not begun; what is running ends at its next boundary."""
        run = self.find(self.visible(), row_id)
        return once(request, self.workspace, lambda: self.shown_run(cancel_run(run_id=run.id, by=self.caller).id))


@extend_schema(tags=["runs"])
class RetryView(RunRows):
    """The failed step of a failed run, once more."""

    scope = KeyScope.RUNS
    serializer_class = RunOutput

    @extend_schema(request=None, responses=RunOutput)
    def post(self, request: Request, row_id: UUID, step_id: UUID) -> Response:
        """Go on with a run at the model call that failed last. An action is never done again this way."""
        run = self.find(self.visible(), row_id)

        def retry() -> Response:
            return self.shown_run(retry_step(run_id=run.id, step_id=step_id, by=self.caller).id)

        return once(request, self.workspace, retry)


@extend_schema(tags=["rollbacks"])
class RollbacksView(RunRows, RowsView):
    """The rollbacks of one run."""

    scope = KeyScope.ROLLBACKS
    serializer_class = RunRow

    def visible(self) -> QuerySet[Run]:
        """Return the rollback runs of the run."""
        if self.request.method == "POST":
            return super().visible()
        return super().visible().filter(rolls_back=self.find(super().visible(), self.kwargs["row_id"]))

    @extend_schema(request=RollbackInput, responses={201: RunOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Look at the outside systems as they are now, and answer with a plan. Nothing changes until it is confirmed.

        A preview asks outside systems, so it is not made within a transaction and takes no idempotency key: made twice,
        it is two previews, of which at most one can be carried out.
        """
        run = self.find(self.visible(), row_id)
        sent = RollbackInput(data=request.data)
        sent.is_valid(raise_exception=True)
        preview = preview_rollback(run_id=run.id, by=self.caller, action_id=sent.validated_data.get("action"))
        return self.shown_run(preview.id, 201)


@extend_schema(tags=["rollbacks"])
class ConfirmView(RunRows):
    """The confirmation of a previewed rollback."""

    scope = KeyScope.ROLLBACKS
    serializer_class = RunOutput

    @extend_schema(request=ConfirmationInput, responses=RunOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Carry out exactly the plan that was read; each compensation passes the gate."""
        rollback = self.find(self.visible(), row_id)
        sent = ConfirmationInput(data=request.data)
        sent.is_valid(raise_exception=True)
        plan = sent.validated_data["plan_digest"]

        def confirm() -> Response:
            return self.shown_run(confirm_rollback(rollback_id=rollback.id, plan_digest=plan, by=self.caller).id)

        return once(request, self.workspace, confirm)


@extend_schema(tags=["runs"])
class StepsView(RowsView):
    """The steps of one run, from its beginning."""

    queryset = Step.objects.none()
    serializer_class = StepOutput
    pagination_class = OldestFirst

    def visible(self) -> QuerySet[Step]:
        """Return the run's steps."""
        return Step.objects.filter(run=self.find(Run.objects.visible_to(self.caller), self.kwargs["row_id"]))


@extend_schema(tags=["runs"])
class UsageView(RowsView):
    """The model calls of one run: tokens, money, time."""

    queryset = UsageRecord.objects.none()
    serializer_class = UsageOutput

    def visible(self) -> QuerySet[UsageRecord]:
        """Return the run's usage records."""
        run = self.find(Run.objects.visible_to(self.caller), self.kwargs["row_id"])
        return UsageRecord.objects.filter(run_id=run.id)
