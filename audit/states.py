"""What a delivery can be, how it may move, and why it is there."""

from typing import Final

from django.db.models import TextChoices


class DeliveryStatus(TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"


DELIVERY_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    DeliveryStatus.PENDING: frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.FAILED}),
}


class DeliveryCause(TextChoices):
    EVENT = "event", "The event itself"
    PING = "ping", "A person's test"
    REDELIVERY = "redelivery", "A person's redelivery"
