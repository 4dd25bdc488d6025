"""Review queues set up, policies drafted and activated, by owners."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from approvals.api.serializers import PolicyVersionOutput, QueueOutput
from approvals.api.views import PoliciesView, QueuesView
from approvals.models import PolicyVersion, ReviewQueue
from approvals.operations import activate_policy, draft_policy, save_queue
from approvals.policies.rules import MAX_RULES, MAX_TIME_LIMIT
from approvals.states import ExpiryDoes
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowView
from workspaces.models import KeyScope
from workspaces.operations.authority import lock

CHANGEABLE = ("title", "quorum", "time_limit_seconds", "on_expiry", "editors_may_approve", "is_default")


class QueueChange(serializers.Serializer[Any]):
    """What may change of a review queue; what is left out stays."""

    title = serializers.CharField(max_length=120, required=False, help_text="What people read.")
    quorum = serializers.IntegerField(
        min_value=1, max_value=20, required=False, help_text="How many people must approve what waits here; else 1."
    )
    time_limit_seconds = serializers.IntegerField(
        min_value=60, max_value=MAX_TIME_LIMIT, required=False, help_text="How long people have; else seven days."
    )
    on_expiry = serializers.ChoiceField(choices=ExpiryDoes.choices, required=False)
    editors_may_approve = serializers.BooleanField(
        required=False, help_text="Whoever edits may approve their own wording. Never holds for money."
    )
    is_default = serializers.BooleanField(
        required=False, help_text="Whether what no rule gives to another queue waits here; it is one queue's alone."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError(f"Name what is to change: {', '.join(CHANGEABLE)}.")
        return attrs


class QueueInput(QueueChange):
    """A new review queue."""

    name = serializers.SlugField(max_length=60, help_text="The name by which rules ask for it; it stays.")
    title = serializers.CharField(max_length=120, help_text="What people read.")


class PolicyInput(serializers.Serializer[Any]):
    """A policy's rules. A name that is taken drafts that policy's next version."""

    name = serializers.SlugField(max_length=60)
    title = serializers.CharField(max_length=120, help_text="What people read; a policy that is there keeps its own.")
    rules = serializers.ListField(child=serializers.DictField(), max_length=MAX_RULES, help_text="See the policies.")


@extend_schema(tags=["requests"])
class QueueSetupView(QueuesView):
    """The review queues that the caller may read."""

    scope = KeyScope.CONFIGURATION

    @extend_schema(request=QueueInput, responses={201: QueueOutput})
    def post(self, request: Request) -> Response:
        """Set up a review queue. Nobody but owners decides in it until teams are given the right."""
        check_owner(self.caller, self.workspace, "set up review queues")
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = QueueInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = save_queue(workspace=self.workspace, by=self.caller, is_new=True, **sent.validated_data)
        return self.shown(made, 201, Location=f"{request.path}{made.id}/")


@extend_schema(tags=["requests"])
class QueueView(RowView):
    """One review queue that the caller may read."""

    scope = KeyScope.CONFIGURATION
    queryset = ReviewQueue.objects.none()
    serializer_class = QueueOutput

    def visible(self) -> QuerySet[ReviewQueue]:
        """Return the queues."""
        return ReviewQueue.objects.visible_to(self.caller)

    @extend_schema(request=QueueChange, responses=QueueOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change a review queue. It holds for requests opened from then on; those that are open keep their terms."""
        self.find(self.visible(), row_id)
        check_owner(self.caller, self.workspace, "set up review queues")
        sent = QueueChange(data=request.data)
        sent.is_valid(raise_exception=True)
        with transaction.atomic():  # what is left out stays as it is by now
            lock(self.workspace)
            queue = self.find(self.visible(), row_id)
            values = {**{name: getattr(queue, name) for name in CHANGEABLE}, **sent.validated_data}
            saved = save_queue(workspace=self.workspace, name=queue.name, by=self.caller, **values)
        return self.shown(saved)


@extend_schema(tags=["policies"])
class PolicySetupView(PoliciesView):
    """The workspace's policies."""

    scope = KeyScope.CONFIGURATION

    @extend_schema(request=PolicyInput, responses={201: PolicyVersionOutput})
    def post(self, request: Request) -> Response:
        """Draft a version of a policy. It judges nothing until it is activated."""
        check_owner(self.caller, self.workspace, "draft policies")
        return once(request, self.workspace, lambda: self._draft(request))

    def _draft(self, request: Request) -> Response:
        sent = PolicyInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = draft_policy(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return Response(PolicyVersionOutput(made).data, status=201)


@extend_schema(tags=["policies"])
class PolicyActivationView(OwnersView):
    """What puts a draft in force."""

    scope = KeyScope.CONFIGURATION
    what = "activate policies"
    queryset: Any = PolicyVersion.objects.none()
    serializer_class = PolicyVersionOutput

    @extend_schema(request=None, responses=PolicyVersionOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Put a draft in force and retire the version before; what was cleared by that one is judged again."""
        version = self.find(PolicyVersion.objects.select_related("workspace"), row_id)
        return once(request, self.workspace, lambda: self.shown(activate_policy(version=version, by=self.caller)))
