"""Webhooks, for owners of the workspace: where its events go, and what became of each."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit import operations
from audit.api.webhook_serializers import (
    DeliveryOutput,
    RedeliveryOutput,
    RotationInput,
    SinceInput,
    WebhookChange,
    WebhookInput,
    WebhookOutput,
    WebhookSecretOutput,
)
from audit.models import Delivery, WebhookEndpoint
from audit.operations import Issued
from audit.operations.endpoints import WHAT
from audit.states import DeliveryCause, DeliveryStatus
from workspaces.api.filters import InstantFilter
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowsView, RowView
from workspaces.models import KeyScope


class WebhookView(OwnersView):
    """A view for those who may read the whole ledger and say who else is told of it."""

    scope = KeyScope.CONFIGURATION
    what = WHAT
    queryset = WebhookEndpoint.objects.none()
    serializer_class: Any = WebhookOutput

    def endpoint(self, row_id: UUID) -> WebhookEndpoint:
        """Return one of the workspace's webhooks."""
        return self.find(WebhookEndpoint.objects.select_related("workspace"), row_id)


def _with_secret(issued: Issued, status: int) -> Response:
    data = {**WebhookOutput(issued.endpoint).data, "secret": issued.secret}
    return Response(data, status=status, headers={"Cache-Control": "no-store"})


@extend_schema(tags=["webhooks"])
class WebhooksView(WebhookView, RowsView):
    """The workspace's webhooks."""

    @extend_schema(request=WebhookInput, responses={201: WebhookSecretOutput})
    def post(self, request: Request) -> Response:
        """Send the workspace's events to an address from now on, and show the signing secret this once.

        It takes no idempotency key, since its answer is not to be stored: made twice, delete the one not needed.
        """
        sent = WebhookInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = operations.create_endpoint(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return _with_secret(made, 201)


@extend_schema(tags=["webhooks"])
class WebhookRowView(WebhookView, RowView):
    """One webhook."""

    @extend_schema(request=WebhookChange, responses=WebhookOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change a webhook, disable it, or enable it again: it is then told of what happens from then on."""
        endpoint = self.endpoint(row_id)
        sent = WebhookChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.shown(operations.update_endpoint(endpoint=endpoint, by=self.caller, **sent.validated_data))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Take a webhook away with its secrets and deliveries; the ledger keeps that it was there."""
        operations.delete_endpoint(endpoint=self.endpoint(row_id), by=self.caller)
        return Response(status=204)


@extend_schema(tags=["webhooks"])
class RotateView(WebhookView):
    """The change of a secret."""

    @extend_schema(request=RotationInput, responses=WebhookSecretOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Make a new secret and show it this once; both sign during the overlap. It takes no idempotency key."""
        endpoint = self.endpoint(row_id)
        sent = RotationInput(data=request.data)
        sent.is_valid(raise_exception=True)
        return _with_secret(operations.rotate_secret(endpoint=endpoint, by=self.caller, **sent.validated_data), 200)


@extend_schema(tags=["webhooks"])
class PingView(WebhookView):
    """A test."""

    serializer_class = DeliveryOutput

    @extend_schema(request=None, responses={201: DeliveryOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Send an event of its own to the webhook, whatever it wants to hear."""
        endpoint = self.endpoint(row_id)
        return once(
            request, self.workspace, lambda: self.shown(operations.ping(endpoint=endpoint, by=self.caller), 201)
        )


class DeliveryFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which deliveries."""

    status = filters.ChoiceFilter(choices=DeliveryStatus.choices)
    cause = filters.ChoiceFilter(choices=DeliveryCause.choices)
    verb = filters.CharFilter()
    since = InstantFilter(field_name="created_at", lookup_expr="gte")

    class Meta:
        model = Delivery
        fields: list[str] = []


@extend_schema(tags=["webhooks"])
class DeliveriesView(WebhookView, RowsView):
    """What was sent to one webhook or is to be, newest first."""

    queryset: Any = Delivery.objects.none()
    serializer_class = DeliveryOutput
    filterset_class = DeliveryFilter

    def visible(self) -> QuerySet[Any]:
        """Return the webhook's deliveries."""
        return Delivery.objects.filter(endpoint=self.endpoint(self.kwargs["row_id"]))


@extend_schema(tags=["webhooks"])
class RedeliverSinceView(WebhookView):
    """What did not arrive, once more."""

    serializer_class = RedeliveryOutput

    @extend_schema(request=SinceInput, responses=RedeliveryOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Send again what failed since a time (1000 at once: ask again until it answers 0), and what was missed."""
        endpoint = self.endpoint(row_id)
        sent = SinceInput(data=request.data)
        sent.is_valid(raise_exception=True)
        return once(request, self.workspace, lambda: self._again(endpoint, sent.validated_data))

    def _again(self, endpoint: WebhookEndpoint, values: dict[str, Any]) -> Response:
        count = operations.redeliver_since(endpoint=endpoint, by=self.caller, **values)
        return Response(RedeliveryOutput({"deliveries": count}).data)


@extend_schema(tags=["webhooks"])
class RedeliverView(WebhookView):
    """One delivery, once more."""

    queryset: Any = Delivery.objects.none()
    serializer_class = DeliveryOutput

    @extend_schema(request=None, responses={201: DeliveryOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Send an event again under the same webhook-id, as a delivery of its own."""
        delivery = self.find(Delivery.objects.select_related("endpoint__workspace", "workspace"), row_id)
        return once(
            request, self.workspace, lambda: self.shown(operations.redeliver(delivery=delivery, by=self.caller), 201)
        )
