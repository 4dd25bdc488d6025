"""Webhooks: where a workspace's events go, and each of them on its way."""

from audit.models.delivery import Delivery
from audit.models.webhook_endpoint import Secrets, WebhookEndpoint

__all__ = ["Delivery", "Secrets", "WebhookEndpoint"]
