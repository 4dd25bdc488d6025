"""The desk with a scripted model in place of the demo planner."""

import pytest

from agents.operations import save_route
from tests.factories import SETUP
from tests.house import house, world
from tests.integration.engine.talking import Talker
from tests.integration.providers.dialects import Chat, Messages, Responses
from tests.integration.providers.server import ModelServer
from tests.payments import payment_processes, payments
from tests.unit.ledger.flushing import flush_past_the_ledger
from tools.operations import create_connection

__all__ = ["flush_past_the_ledger", "house", "payment_processes", "payments", "world"]
DIALECTS = [Responses, Chat, Messages]


@pytest.fixture
def talker(desk, settings, request):
    """A model of the desk's route; parametrise indirectly with a dialect for another protocol than Responses."""
    found = Talker(ModelServer(), getattr(request, "param", Responses)())
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, found.server.address]
    key = {"api_key": "sk-of-the-test"}
    create_connection(workspace=desk.cast.workspace, name="model-key", kind="model", config={}, secret=key, by=SETUP)
    route(desk, found.endpoint())
    yield found
    found.server.stop()


def route(desk, *endpoints):
    """Let the desk's agent ask these endpoints, in this order."""
    save_route(workspace=desk.cast.workspace, name="default", endpoints=list(endpoints), by=SETUP)
