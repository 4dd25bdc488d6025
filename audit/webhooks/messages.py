"""What is sent, and how it is signed: Standard Webhooks (https://www.standardwebhooks.com).

A message tells that something happened and to which object, by ids. What it is about is read over the API, where rights
are checked; the ledger's own body stays in the ledger.
"""

from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

from audit.ledger.models import Event
from audit.models import Secrets
from workspaces.canonical import canonical


def body(event: Event) -> bytes:
    """Return the message about an event: the same bytes at every try."""
    told: dict[str, Any] = {
        "type": event.verb,
        "timestamp": event.at.isoformat(),
        "data": {
            "event": str(event.id),
            "workspace": str(event.workspace_id),
            "actor": event.actor,
            "subject": {"type": event.subject_type, "id": event.subject_id},
        },
    }
    return canonical(told)


def headers(event: Event, content: bytes, secrets: Secrets, now: datetime) -> dict[str, str]:
    """Return the headers of one try: the event's id, the time of sending, and a signature by each secret."""
    message_id, text = str(event.id), content.decode()
    signatures = [Webhook(secret).sign(message_id, now, text) for secret in secrets.texts]
    return {
        "content-type": "application/json",
        "user-agent": "Countersign-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
