"""A scripted model server, reachable for once, and the three protocols."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from agents.providers import Endpoint, ModelRequest, ToolSpec, UserText
from tests.integration.providers.dialects import Chat, Dialect, Messages, Responses
from tests.integration.providers.server import ModelServer

KEY = "sk-secret-of-the-test"
SCHEMA = {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    found = ModelServer()
    with override_settings(OUTBOUND_ALLOWED=[found.address]):
        yield found
    found.stop()


@pytest.fixture(params=[Responses, Chat, Messages], ids=["responses", "chat", "messages"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    made: Dialect = request.param()
    return made


@pytest.fixture
def endpoint(server: ModelServer, dialect: Dialect) -> Endpoint:
    return Endpoint(dialect.provider, "some-model", server.url, KEY, deadline_seconds=10)


@pytest.fixture
def question() -> ModelRequest:
    tool = ToolSpec("crm.customer.find", "Find a customer.", SCHEMA, "read")
    return ModelRequest("Be brief.", (UserText("Who is a@b.example?"),), (tool,), 500)
