"""A real HTTP server that receives webhooks, and what a worker does with what is due."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db.models import Max
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from audit.ledger.horizon import horizon
from audit.ledger.models import Event
from audit.models import Delivery, WebhookEndpoint
from audit.operations import create_endpoint
from audit.webhooks.claims import claim_due
from audit.webhooks.courier import deliver
from audit.webhooks.planning import plan_deliveries
from tests.serving import until

PATH = "/hooks"


@dataclass
class Receiver:
    """The other side: answers in the order given, the last answer for ever, and keeps what it was sent."""

    server: HTTPServer
    answers: list[Response]
    arrived: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.server.expect_request(PATH, method="POST").respond_with_handler(self._answer)

    def _answer(self, _: Request) -> Response:
        self.arrived.set()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}{PATH}"

    @property
    def requests(self) -> list[Request]:
        return [request for request, _ in self.server.log]

    def then(self, *statuses: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[:] = [Response(status=status, headers=named) for status in statuses]

    def verified(self, secret: str, number: int = -1) -> Any:
        """Return what a receiver's own library makes of a request; it raises where the signature is wrong."""
        request = self.requests[number]
        return Webhook(secret).verify(request.get_data(), dict(request.headers))

    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    def told(self) -> list[str]:
        return [json.loads(request.get_data())["type"] for request in self.requests]


@pytest.fixture
def receiver(httpserver, settings):
    settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{httpserver.port}"]
    settings.WEBHOOK_SECONDS = 1
    return Receiver(httpserver, [Response(status=200)])


@pytest.fixture
def issued(cast, receiver):
    """An endpoint of the owner at the receiver that wants everything, with its secret."""
    return create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner, description="Warehouse")


@pytest.fixture
def endpoint(issued):
    return issued.endpoint


def settle() -> None:
    """Return once all that happened is final.

    A transaction of another test's database that ends between two looks holds the horizon back for a moment.
    """
    for workspace_id, last in Event.objects.values_list("workspace_id").annotate(Max("txid")):
        until(lambda where=workspace_id, past=last: horizon(where).txid > past)


def plan() -> int:
    """Write the deliveries of all that happened, once it is final, and return how many there are."""
    settle()
    return plan_deliveries()


def carry(room: int = 16) -> list[Delivery]:
    """Send what is due now, in this thread, and return it as it is afterwards."""
    claims = claim_due(room)
    for claim in claims:
        deliver(claim)
    return list(Delivery.objects.filter(pk__in=[claim.delivery.pk for claim in claims]).order_by("pk"))


def make_due(*rows: Delivery) -> None:
    """Let the wait before the next try be over."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=timezone.now())


def reloaded(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)
