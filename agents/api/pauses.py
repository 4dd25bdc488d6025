"""Pauses: stopping everything new in a scope, and letting it go on."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.action_serializers import MOST_IN_FLIGHT, PauseResult
from agents.api.serializers import PauseInput, PauseOutput
from agents.operations.pausing import pause_scope, release_pause, visible_pauses
from tools.models import Action
from workspaces.api.filters import BooleanFilter
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView, WorkspaceView
from workspaces.models import KeyScope, Pause, ScopeKind


class PauseFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which pauses."""

    live = BooleanFilter(field_name="released_at", lookup_expr="isnull", label="Only those not released.")
    scope_kind = filters.MultipleChoiceFilter(choices=ScopeKind.choices)
    scope_id = filters.UUIDFilter()

    class Meta:
        model = Pause
        fields: list[str] = []


@extend_schema(tags=["pauses"])
class PausesView(RowsView):
    """Pauses, live and released."""

    scope = KeyScope.PAUSES
    queryset = Pause.objects.none()
    serializer_class = PauseOutput
    filterset_class = PauseFilter

    def visible(self) -> QuerySet[Pause]:
        """Return the pauses over what the caller may see."""
        return visible_pauses(self.caller, self.workspace).select_related("created_by", "released_by")

    @extend_schema(request=PauseInput, responses={201: PauseResult})
    def post(self, request: Request) -> Response:
        """Stop everything new in a workspace, agent, run, tool or connection; the answer shows what was in flight."""
        return once(request, self.workspace, lambda: self._pause(request))

    def _pause(self, request: Request) -> Response:
        sent = PauseInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made: Any = pause_scope(workspace=self.workspace, by=self.caller, **sent.validated_data)
        going = Action.objects.in_flight().filter(workspace=self.workspace, scopes__contains=[made.scope_id])
        made.in_flight_count = going.count()
        made.in_flight = going.select_related("tool").order_by("-id")[:MOST_IN_FLIGHT]
        return Response(PauseResult(made).data, status=201)


@extend_schema(tags=["pauses"])
class ReleaseView(WorkspaceView):
    """The end of a pause."""

    scope = KeyScope.PAUSES
    queryset = Pause.objects.none()
    serializer_class = PauseOutput

    @extend_schema(request=None, responses=PauseOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Let things go on."""
        return once(request, self.workspace, lambda: self._release(row_id))

    def _release(self, row_id: UUID) -> Response:
        rows = visible_pauses(self.caller, self.workspace).select_related("workspace", "created_by")
        pause = self.find(rows, row_id)
        release_pause(pause=pause, by=self.caller)
        return self.shown(pause)
