"""One event on its way to one endpoint."""

from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from audit.models.webhook_endpoint import WebhookEndpoint
from audit.states import DELIVERY_TRANSITIONS, DeliveryCause, DeliveryStatus
from workspaces.constraints import SameWorkspace
from workspaces.models import TenantRow


class Delivery(TenantRow):
    """An event that an endpoint is to be told of, by the event's id; its content stays in the ledger.

    ``attempt`` grows with every claim and fences what a worker says afterwards; ``failures`` counts tries that failed,
    and with them the wait for the next. A claimed row belongs to its worker until ``leased_until``.
    """

    TRANSITIONS = DELIVERY_TRANSITIONS

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    event_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    verb = models.CharField(max_length=200)
    cause = models.CharField(max_length=12, choices=DeliveryCause, default=DeliveryCause.EVENT)
    status = models.CharField(max_length=12, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_problem = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["endpoint", "next_at"], condition=Q(status="pending"), name="delivery_due"),
            models.Index(fields=["endpoint", "id"], name="delivery_of_endpoint"),
            models.Index(fields=["finished_at"], condition=~Q(status="pending"), name="delivery_finished"),
        ]
        constraints = [
            SameWorkspace(field="endpoint", name="delivery_endpoint_tenant"),
            models.UniqueConstraint(
                fields=["endpoint", "event_id"], condition=Q(cause="event"), name="delivery_event_once"
            ),
            models.UniqueConstraint(
                fields=["endpoint", "event_id"], condition=Q(status="pending"), name="delivery_one_pending"
            ),
            models.CheckConstraint(
                condition=Q(status="pending", finished_at__isnull=True)
                | (~Q(status="pending") & Q(finished_at__isnull=False)),
                name="delivery_finished_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} ({self.event_id})"
