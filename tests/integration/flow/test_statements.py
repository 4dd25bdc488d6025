"""How many statements each kind of step costs, savepoints apart: the hot path may get cheaper, and not dearer."""

from contextlib import contextmanager

import pytest
from django.db import connection

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.engine.workers import heartbeat
from approvals.models import Request

pytestmark = pytest.mark.django_db
LOOKS = {"kind": "action", "tool": "look", "arguments": {"name": "ada", "value": "x"}}
SENDS = {"kind": "action", "tool": "send", "arguments": {"name": "ada", "value": "x"}}


@contextmanager
def counted():
    """Give a list of the statements that are made, without those that only open and close savepoints."""
    made = []

    def note(execute, statement, *rest):
        if "SAVEPOINT" not in statement:
            made.append(statement)
        return execute(statement, *rest)

    heartbeat()
    with connection.execute_wrapper(note):
        yield made


def test_an_action_that_is_allowed(flows):
    flows.publish({"first": {**LOOKS, "next": "second"}, "second": {**LOOKS, "next": "third"}, "third": LOOKS})
    run = flows.start()
    drive(run.id, quantum=1)
    with counted() as made:
        drive(run.id, quantum=1)
    assert run.steps.filter(status="succeeded").count() == 2
    assert len(made) <= 38


def test_an_action_that_people_decide_on(flows, house):
    flows.publish({"first": {**LOOKS, "next": "send"}, "send": {**SENDS, "next": "last"}, "last": LOOKS})
    run = flows.start()
    drive(run.id, quantum=1)
    with counted() as asked:
        drive(run.id)
    request = Request.objects.get(run_id=run.id)
    with counted() as decided:
        house.answer(request)
    assert sweep(lambda _run: None)
    with counted() as resumed:
        drive(run.id, quantum=1)
    assert run.steps.filter(status="succeeded").count() == 2
    assert max(len(asked) - 40, len(decided) - 14, len(resumed) - 24) <= 0


def test_a_model_call(flows, talker):
    talker.says("One.").says("Two.")
    flows.publish(
        {"first": {"kind": "model", "next": "second"}, "second": {"kind": "model", "next": "last"}, "last": LOOKS}
    )
    run = flows.start()
    drive(run.id, quantum=1)
    with counted() as made:
        drive(run.id, quantum=1)
    assert run.steps.filter(status="succeeded").count() == 2
    assert len(made) <= 18
