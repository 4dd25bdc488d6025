"""Workflows in the house with the spy, with a scripted model where a test has one speak."""

import pytest

from agents.operations import save_route
from tests.factories import SETUP
from tests.flows import flows
from tests.house import house, world
from tests.integration.engine.talking import Talker
from tests.integration.providers.dialects import Responses
from tests.integration.providers.server import ModelServer
from tools.operations import create_connection

__all__ = ["flows", "house", "world"]


@pytest.fixture
def talker(house, settings):
    """The model of the house's route, which says what a test tells it to."""
    found = Talker(ModelServer(), Responses())
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, found.server.address]
    here, key = house.cast.workspace, {"api_key": "sk-of-the-test"}
    create_connection(workspace=here, name="model-key", kind="model", config={}, secret=key, by=SETUP)
    save_route(workspace=here, name="default", endpoints=[found.endpoint()], by=SETUP)
    yield found
    found.server.stop()
