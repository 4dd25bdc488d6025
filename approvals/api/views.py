"""Requests that wait for people, the decisions on them, and the rules that ask for them."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from approvals.api.serializers import (
    DeciderOutput,
    DecisionInput,
    DecisionOutput,
    DecisionResult,
    PolicyOutput,
    PolicyVersionOutput,
    QueueOutput,
    RequestOutput,
    RequestRow,
)
from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, VersionStatus
from approvals.operations import Answer, decide
from approvals.permissions import candidates, deciders
from approvals.states import RequestKind, RequestStatus
from workspaces.access import can_read_ledger
from workspaces.api.filters import BooleanFilter
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView, RowView, WorkspaceView
from workspaces.errors import Forbidden
from workspaces.models import KeyScope, User


class RequestFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which requests."""

    status = filters.MultipleChoiceFilter(choices=RequestStatus.choices)
    kind = filters.MultipleChoiceFilter(choices=RequestKind.choices)
    queue = filters.CharFilter(field_name="queue__name")
    run = filters.UUIDFilter(field_name="run_id")
    action = filters.UUIDFilter(field_name="action_id")
    waiting_for_me = BooleanFilter(method="only_mine", label="Only those that the caller may decide on now.")

    class Meta:
        model = Request
        fields: list[str] = []

    def only_mine(self, rows: Any, name: str, value: bool) -> Any:
        """Keep what waits for the caller."""
        return rows.waiting_for(self.request.user) if value else rows


@extend_schema(tags=["requests"])
class RequestsView(RowsView):
    """The inbox: requests of the queues that the caller may read."""

    queryset = Request.objects.none()
    serializer_class = RequestRow
    filterset_class = RequestFilter

    def visible(self) -> QuerySet[Request]:
        """Return the requests that the caller may read."""
        return Request.objects.visible_to(self.caller).select_related("queue")


@extend_schema(tags=["requests"])
class RequestView(RowView):
    """One request with its evidence."""

    queryset = Request.objects.none()
    serializer_class = RequestOutput

    def visible(self) -> QuerySet[Request]:
        """Return the requests that the caller may read."""
        found = Request.objects.visible_to(self.caller).select_related("queue")
        return found.prefetch_related(Prefetch("decisions", Decision.objects.select_related("user")))


@extend_schema(tags=["requests"])
class DecisionsView(RowsView):
    """The decisions on one request."""

    scope = KeyScope.DECISIONS
    queryset = Decision.objects.none()
    serializer_class = DecisionOutput

    def visible(self) -> QuerySet[Decision]:
        """Return the decisions on the request, if the caller may read it."""
        request = self.find(Request.objects.visible_to(self.caller), self.kwargs["row_id"])
        return Decision.objects.filter(request=request).select_related("user")

    @extend_schema(request=DecisionInput, responses={201: DecisionResult})
    def post(self, request: HttpRequest, row_id: UUID) -> Response:
        """Decide on what was seen. Of two people at once exactly one wins; the other is told who and when (409)."""
        self.find(Request.objects.visible_to(self.caller), row_id)
        return once(request, self.workspace, lambda: self._decide(request, row_id))

    def _decide(self, request: HttpRequest, row_id: UUID) -> Response:
        sent = DecisionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = decide(request_id=row_id, answer=Answer(**sent.validated_data), by=self.caller)
        made.request.refresh_from_db(fields=["status"])
        return Response(DecisionResult(made).data, status=201)


@extend_schema(tags=["requests"])
class DecidersView(WorkspaceView):
    """Who may decide on one request: everybody of the queue's teams, and the owners."""

    queryset = User.objects.none()
    serializer_class = DeciderOutput

    @extend_schema(operation_id="requests_deciders_list", responses=DeciderOutput(many=True))
    def get(self, request: HttpRequest, row_id: UUID) -> Response:
        """Say of each person whether they may decide now, and if not, why."""
        found = self.find(Request.objects.visible_to(self.caller).select_related("queue", "action__tool"), row_id)
        people = self.paginate_queryset(candidates(found)) or []
        return self.get_paginated_response(self.get_serializer(deciders(found, people), many=True).data)


@extend_schema(tags=["requests"])
class QueuesView(RowsView):
    """The review queues that the caller may read."""

    queryset = ReviewQueue.objects.none()
    serializer_class = QueueOutput

    def visible(self) -> QuerySet[ReviewQueue]:
        """Return the queues."""
        return ReviewQueue.objects.visible_to(self.caller)


class RulesView(WorkspaceView):
    """Rules are read by owners and auditors; a request tells everybody else the rules that concern it."""

    def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else."""
        super().initial(request, *args, **kwargs)
        if not can_read_ledger(self.caller, self.workspace.id):
            raise Forbidden("Only owners and auditors read policies.", "Ask an owner of the workspace.")


class PolicyRows(RulesView):
    """Policies with the versions in force."""

    queryset = Policy.objects.none()
    serializer_class = PolicyOutput

    def visible(self) -> QuerySet[Policy]:
        """Return the policies with their active versions."""
        active = PolicyVersion.objects.filter(status=VersionStatus.ACTIVE)
        return Policy.objects.prefetch_related(Prefetch("versions", active, to_attr="active"))


@extend_schema(tags=["policies"])
class PoliciesView(PolicyRows, RowsView):
    """The workspace's policies."""


@extend_schema(tags=["policies"])
class PolicyView(PolicyRows, RowView):
    """One policy."""


@extend_schema(tags=["policies"])
class PolicyVersionsView(RulesView, RowsView):
    """All versions of one policy."""

    queryset = PolicyVersion.objects.none()
    serializer_class = PolicyVersionOutput

    def visible(self) -> QuerySet[PolicyVersion]:
        """Return the policy's versions."""
        return PolicyVersion.objects.filter(policy=self.find(Policy.objects.all(), self.kwargs["row_id"]))
