"""Conversations: one per customer, never another's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.engine.drive import drive
from agents.engine.sweep import LOCK, sweep
from agents.models import Run
from agents.operations import start_run
from memory.models import Message

pytestmark = pytest.mark.django_db


def test_follow_up_of_the_same_customer_continues_the_session(desk, talker):
    customer = desk.crm.anybody("standard")
    for text in ("First ticket.", "Second ticket."):
        talker.calls(("crm.customer.find", {"email": customer["email"]})).says(f"Answer to: {text}")
    first, second = desk.start("First ticket."), desk.start("Second ticket.")
    assert first.session_id == second.session_id is not None
    assert "Answer to: First ticket." in talker.last_heard
    said = Message.objects.filter(session_id=first.session_id).values_list("role", "source", "trust")
    assert list(said)[:2] == [("requester", "ticket", "untrusted"), ("agent", "outcome", "untrusted")]


def test_another_customers_conversation_never_leaks_in(desk, talker):
    one, other = desk.crm.anybody("standard"), desk.crm.anybody("gold")
    for person, text in ((one, "A secret of the first."), (other, "Another ticket.")):
        talker.calls(("crm.customer.find", {"email": person["email"]})).says(f"Answer to: {text}")
    first, second = desk.start("A secret of the first."), desk.start("Another ticket.")
    assert first.session_id != second.session_id
    assert "secret" not in talker.last_heard


def test_ticket_with_two_customers_belongs_to_neither(desk, talker):
    one, other = desk.crm.anybody("standard"), desk.crm.anybody("gold")
    talker.calls(("crm.customer.find", {"email": one["email"]}), ("crm.customer.find", {"email": other["email"]}))
    talker.says("Two fit.")
    assert desk.start("Both of us.").session_id is None


def test_statements_of_a_step_do_not_grow_with_the_run(desk, talker, settings):
    settings.WORKER_DEAD_AFTER_SECONDS = 3600  # on a crowded machine nobody is to be taken for dead meanwhile
    for number in range(6):  # a few more in vain, and it would be asked whether it gets anywhere
        talker.calls(("crm.customer.find", {"name": f"Nobody {number}"}))
    talker.says("Nobody found.")
    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    counts = []
    for _ in range(12):
        with CaptureQueriesContext(connection) as seen:
            drive(run.id, quantum=1)
        counts.append(len([q for q in seen if "SAVEPOINT" not in q["sql"]]))
    models, actions = counts[0::2], counts[1::2]
    print(f"statements a model step: {models}, an action step: {actions}")  # noqa: T201 - the figure is the point
    assert max(models[1:]) - min(models[1:]) <= 1
    assert max(actions[1:]) - min(actions[1:]) <= 1
    assert max(models) <= 41
    assert max(actions) <= 60


def test_sweep_lets_one_through_and_does_not_flood(desk, transactional_db):
    import psycopg

    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    told: list = []
    parameters = connection.get_connection_params()
    keep = {key: parameters[key] for key in ("host", "port", "user", "password", "dbname") if key in parameters}
    with psycopg.connect(**keep) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert sweep(told.append) is False
        other.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    assert sweep(told.append) is True
    sweep(told.append)
    assert told == [run.id]
    desk.rest(run)
    sweep(told.append)
    assert told == [run.id]
    assert Run.objects.get(pk=run.id).status == "succeeded"
