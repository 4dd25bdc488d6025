"""What a drive and a request leave in the logs: whose work it was, and nothing of what was said or hidden."""

import io
import json
import logging

import pytest
import structlog
from django.conf import settings as django_settings
from django.db import IntegrityError, OperationalError
from django.test import Client

from agents.engine import action_step
from agents.engine.drive import drive
from agents.engine.sweep import _each
from agents.models import Step
from agents.operations import start_run
from config import logs
from tests.house import SpyOperation
from tools.connectors.base import Refused

pytestmark = pytest.mark.django_db
TICKET = "MARKED-TICKET-7f1c please-write-to marked.person@example.com"
SECRET = "sk-marked-secret-of-the-settings"
VALUE = "MARKED-VALUE"


@pytest.fixture(params=["json", "text"])
def lines(request):
    """Send everything, down to the lowest level, through our handler, and return what it wrote."""
    described = logs.configuration(level="DEBUG", for_people=request.param == "text", secrets=[SECRET])
    logging.config.dictConfig(described)
    written = io.StringIO()
    handler = logging.getLogger().handlers[-1]
    handler.setStream(written)
    yield written.getvalue
    logging.config.dictConfig(django_settings.LOGGING)


def fail(error):
    def act(*_args, **_kwargs):
        raise error

    return act


@pytest.mark.parametrize(
    "error", [ValueError(f"cannot read {TICKET} {VALUE}"), Refused(f"no {VALUE}"), IntegrityError(f"({VALUE}) exists")]
)
def test_invariant_15_nothing_that_was_said_is_logged_when_a_run_breaks(house, world, lines, monkeypatch, error):
    monkeypatch.setattr(SpyOperation, "before", fail(error))
    monkeypatch.setattr(SpyOperation, "undo", fail(error))
    run = start_run(agent_id=house.agent.id, text=f"{TICKET} set the name {VALUE} {SECRET}", by=house.cast.owner)
    monkeypatch.setitem(action_step.MOVES, "proposed", fail(error))
    action = house.propose("change", arguments={"name": VALUE, "value": VALUE}, run_id=run.id)
    Step.objects.filter(run=run).update(kind="action", action=action)
    drive(run.id)
    logging.getLogger("agents.engine").error("It was %s, for %s, by %s", error, run, SECRET)
    logging.getLogger("openai").debug("Request options: %s", {"content": TICKET})
    logging.getLogger("celery.app.trace").error("Task %(name)s: %(exc)s", {"name": "t", "exc": VALUE, "args": [VALUE]})
    said = lines()
    assert "failed in a way that nobody foresaw" in said
    assert str(run.id) in said
    for marked in (TICKET, VALUE, SECRET, "MARKED", "marked"):
        assert marked not in said


def test_every_line_of_a_drive_names_workspace_run_step_and_action(house, lines, monkeypatch, request):
    if "text" in request.node.name:
        return
    action = house.propose("change")
    Step.objects.filter(run=house.run).update(kind="action", action=action)
    monkeypatch.setitem(action_step.MOVES, "proposed", fail(ValueError("no")))
    drive(house.run.id)
    line = next(json.loads(one) for one in lines().splitlines() if "foresaw" in one)
    step = house.run.steps.get()
    assert line["workspace"] == str(house.cast.workspace.id)
    assert (line["run"], line["step"], line["action"]) == (str(house.run.id), str(step.id), str(action.id))
    assert line["exception"].rstrip().endswith("ValueError (its words are not logged)")
    assert "test_logging.py" in line["exception"]
    assert structlog.contextvars.get_contextvars().keys().isdisjoint({"run", "step", "action"})


def test_errors_of_servers_keep_their_words_without_the_secret_in_them(lines):
    _each([1], fail(KeyError(VALUE)))
    logging.getLogger("agents").warning("Away: %s", OperationalError(f"no server; postgresql://me:{SECRET}@db/x"))
    assert "OperationalError: no server; postgresql://(hidden)@db/x" in lines()
    assert VALUE not in lines()


def test_a_request_is_named_in_its_lines_and_its_answer(cast, lines, request):
    client = Client(headers={"authorization": f"Bearer {cast.service_key}", "x-request-id": "from-the-proxy.1"})
    answer = client.get(f"/api/v1/runs/?search={VALUE}")
    assert (answer.status_code, answer["X-Request-ID"]) == (200, "from-the-proxy.1")
    assert len(Client(headers={"x-request-id": "a b"}).get("/healthz")["X-Request-ID"]) == 32
    said = lines()
    assert "GET /api/v1/runs/: 200 in" in said
    assert "from-the-proxy.1" in said
    assert str(cast.workspace.id) in said
    for hidden in (VALUE, cast.service_key, "healthz"):
        assert hidden not in said
