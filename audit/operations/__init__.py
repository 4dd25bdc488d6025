"""What people do with webhooks."""

from audit.operations.deliveries import ping, redeliver, redeliver_since
from audit.operations.endpoints import (
    Issued,
    create_endpoint,
    delete_endpoint,
    disable,
    rotate_secret,
    update_endpoint,
)

__all__ = [
    "Issued",
    "create_endpoint",
    "delete_endpoint",
    "disable",
    "ping",
    "redeliver",
    "redeliver_since",
    "rotate_secret",
    "update_endpoint",
]
