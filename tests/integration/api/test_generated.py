"""Whatever is sent, allowed by the description or not: the API answers as it describes, and never with a fault."""

import os
import re

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import resolve

from agents.models import Run
from tests.integration.api.generated import Sender, World, description, operations, search
from tests.integration.api.test_matrix import KIND, rows

__all__ = ["rows"]
pytestmark = pytest.mark.django_db
MINUTES = float(os.environ.get("GENERATED_MINUTES", "0"))
"""0: the same few requests every time. More: that many minutes of ever new ones."""


@pytest.fixture(autouse=True)
def one_connection(db):
    """Let requests leave the test's connection open, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def described():
    return description(get_wsgi_application())


@pytest.fixture
def callers(cast, client_of):
    session = client_of("owner")
    session.cookies["csrftoken"] = token = "t" * 32
    cookies = {name: morsel.value for name, morsel in session.cookies.items()}
    return {
        "owner": {"headers": {"X-CSRFToken": token, "Authorization": ""}, "cookies": cookies},  # no made-up key
        "member": {"headers": {"Authorization": f"Bearer {cast.service_key}"}},
    }


@pytest.fixture
def world(desk, described, rows):
    """The rows of the matrix, and a run that waits for a decision."""
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    request = desk.requests(run)[0]
    found = {}
    live = {"api-cancel": run.id, "api-request": request.id, "api-decisions": request.id}
    for operation in operations(described):
        if "{row_id}" in operation.path:
            address = operation.path.replace("{kind}", "agent").replace("{right}", "view_agent")
            name = resolve(re.sub(r"{\w+}", str(run.id), address)).url_name
            found[operation.path] = live.get(name) or rows[KIND.get(name, name.removeprefix("api-"))]
    values = {
        "agent": "support-desk",
        "seen": request.evidence_digest,
        "arguments": request.action.arguments,
        "plan_digest": Run.objects.get(pk=rows["confirm"]).plan_digest,
        "action": str(rows["action"]),
        "connection": "crm",
        "operation": "read_row",
        "scope_kind": "agent",
        "scope_id": str(rows["agent"]),
        "route": "default",
        "tools": ["mail.reply"],
        "collections": ["policies"],
        "of": "mail.reply",
        "host": "127.0.0.1",
    }
    return World(found, values)


def test_every_operation_answers_as_it_is_described(described, callers, world):
    sender = Sender(callers, world, {})
    if MINUTES:
        assert search(described, sender, MINUTES * 60) > 0
    else:
        for operation in operations(described):
            sender.try_out(operation, 1, 0)
    assert all(sender.let_in[who] > 100 for who in callers), sender.let_in
    assert not sender.found, "\n\n".join(["\n".join(sender.found), *sender.found.values()])
