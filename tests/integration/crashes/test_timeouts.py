"""It happened, and the caller saw a time-out: every call that leaves the house, and that it is not made again blindly.

One fault for all of them: what we send arrives and is carried out, and the answer never comes.
"""

from decimal import Decimal

import pytest

from agents.models import Step
from audit.models import Delivery
from audit.operations import create_endpoint, ping
from audit.telemetry import exporting
from memory import embeddings
from memory.embedding_endpoint import register_endpoint
from memory.models import ChunkVector
from memory.operations import index_document
from tests.desks import CRM_PASSWORD
from tests.factories import SETUP
from tests.integration.crashes.silence import Silence
from tests.integration.engine.conftest import payment_processes, payments, route, talker
from tests.integration.engine.test_money import asked, charge, till
from tests.integration.knowledge.conftest import collection, document
from tests.integration.knowledge.test_endpoint import endpoint as embedding_server
from tests.integration.knowledge.test_endpoint import speak
from tests.integration.operating.test_traces import collector
from tests.integration.webhooks.conftest import carry, make_due, receiver
from tests.payments import API_KEY
from tools.models import Action, Connection, UsageRecord
from tools.operations import BudgetOf, create_budget, update_connection

__all__ = ["charge", "collector", "embedding_server", "payment_processes", "payments", "receiver", "talker", "till"]
pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 3
REACHED_BY = {
    "the CRM's write": "test_invariant_05_a_change_",
    "mail": "test_invariant_05_a_message_",
    "Stripe": "test_invariant_05_a_refund_",
    "the model": "test_invariant_16_a_model_call_",
    "embeddings": "test_embeddings_",
    "webhooks": "test_a_webhook_",
    "traces": "test_traces_",
}
"""Every kind of call that leaves the house, and its test below."""


@pytest.fixture
def silent(settings):
    """Put a silence before a port; it falls when ``marker`` has been sent."""
    opened = []
    settings.TOOL_DEADLINE_SECONDS = SECONDS

    def between(port: int, marker: bytes) -> Silence:
        opened.append(Silence(port, marker).__enter__())
        settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, opened[-1].address]
        return opened[-1]

    yield between
    for each in opened:
        each.__exit__()


def lead(connection: Connection, secret: dict, **config) -> None:
    """Let a connection lead through something else."""
    update_connection(connection=connection, config={**connection.config, **config}, secret=secret, by=SETUP)


def upgrade(theatre):
    """Start the classic ticket and let it wait for people."""
    email = theatre.desk.crm.customer(theatre.customer)["email"]
    return theatre.desk.start(f"Please upgrade {email} to tier gold.")


def executed(run, tool: str) -> tuple[str, list[str]]:
    """Return how an action ended, and how its executions did."""
    action = Action.objects.get(run_id=run.id, tool__name=tool)
    attempts = action.attempts.filter(kind="execute").order_by("number")
    return action.status, list(attempts.values_list("outcome", flat=True))


def test_invariant_05_a_change_is_proven_by_the_row_and_not_made_again(theatre, silent):
    crm = theatre.desk.desk.crm
    between = silent(crm.config["port"], b"COMMIT\0")
    lead(crm, {"password": CRM_PASSWORD}, port=between.port)
    run = upgrade(theatre)
    theatre.desk.answer(theatre.desk.request_for(run, "crm.customer.update"))
    theatre.rest(run)
    assert between.fallen.is_set()
    assert executed(run, "crm.customer.update") == ("succeeded", ["unknown"])
    assert theatre.changes == 1


def test_invariant_05_a_message_is_left_to_a_person_and_not_sent_again(theatre, silent):
    mail = theatre.desk.desk.mail
    between = silent(mail.config["port"], b"\r\n.\r\n")
    lead(mail, {}, port=between.port)
    run = upgrade(theatre)
    theatre.desk.answer(theatre.desk.request_for(run, "mail.reply"))
    theatre.rest(run)
    assert between.fallen.is_set()
    assert executed(run, "mail.reply") == ("in_doubt", ["unknown"])
    assert len(theatre.desk.mailbox.messages) == 1
    settle = next(request for request in theatre.desk.requests(run) if request.kind == "settle")
    theatre.desk.answer(settle, settlement="happened", reason="It is in the log.")
    theatre.rest(run)
    assert executed(run, "mail.reply") == ("succeeded", ["unknown"])
    assert len(theatre.desk.mailbox.messages) == 1


def test_invariant_05_a_refund_is_found_by_its_key_and_not_made_again(till, talker, payments, charge, silent):
    between = silent(payments.port, b"POST /v1/refunds")
    way = Connection.objects.get(name="payments")
    lead(way, {"api_key": API_KEY}, base_url=f"http://{between.address}")
    run, action = asked(till, talker, charge, amount=1500)
    till.answer(till.requests(run)[0])
    till.rest(run)
    assert between.fallen.is_set()
    assert executed(run, action.tool.name) == ("succeeded", ["unknown"])
    assert payments.refunds(charge["charge"]) == [1500]


def test_invariant_16_a_model_call_counts_as_spent_and_is_made_again(desk, talker, silent):
    between = silent(talker.server.port, b"POST ")
    route(desk, {**talker.endpoint(), "base_url": f"http://{between.address}", "deadline_seconds": SECONDS})
    whole = BudgetOf.workspace(desk.cast.workspace)
    tokens = create_budget(
        workspace=desk.cast.workspace, of=whole, unit="tokens", period="total", limit=Decimal(10**9), by=SETUP
    )
    talker.says("First.").says("Second.")
    run = desk.start("Hello")
    assert between.fallen.is_set()
    assert (run.status, run.outcome["text"], len(talker.heard)) == ("succeeded", "Second.", 2)
    lost, answered = UsageRecord.objects.filter(run_id=run.id).order_by("at")
    assert (lost.outcome, answered.outcome) == ("timeout", "answered")
    used = answered.input_tokens + answered.output_tokens
    tokens.refresh_from_db()
    assert lost.cost is None
    assert tokens.reserved == 0
    assert tokens.spent > 2 * used > 0, "what may have been used counts at its worst case"
    assert Step.objects.get(run=run).attempt == 2


def test_embeddings_are_asked_for_again_and_no_passage_has_two(cast, embedding_server, settings, silent):
    between = silent(embedding_server.port, b"POST ")
    settings.EMBEDDINGS_URL, settings.EMBEDDINGS_SECONDS = f"http://{between.address}/v1/", SECONDS
    register_endpoint()
    speak(embedding_server)
    where = collection(cast, model="letters-remote")
    failed = document(where)
    assert between.fallen.is_set()
    assert failed.status == "failed"
    assert "no answer that can be read" in failed.explanation
    assert not ChunkVector.objects.exists()
    made = index_document(document=failed, by=SETUP)
    assert ChunkVector.objects.count() == made.chunks.count() > 0
    assert len(embedding_server.log) == 2
    assert embeddings._known["letters-remote"].embed(["a"])


def test_a_webhook_arrives_twice_under_the_same_id(cast, receiver, silent):
    between = silent(receiver.server.port, b"POST ")
    made = create_endpoint(workspace=cast.workspace, url=f"http://{between.address}/hooks", by=cast.owner)
    ping(endpoint=made.endpoint, by=cast.owner)
    [row] = carry()
    assert (row.status, len(receiver.requests)) == ("pending", 1)
    assert row.last_problem == "The endpoint did not answer within 1 seconds."
    make_due(row)
    [row] = carry()
    assert (row.status, row.attempt) == ("delivered", 2)
    assert receiver.ids() == [str(row.event_id)] * 2
    assert Delivery.objects.count() == 1


def test_traces_that_are_not_acknowledged_change_nothing(desk, talker, collector, silent, settings, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    between = silent(collector.server.server_port, b"POST ")
    settings.TRACES_ENDPOINT = f"http://{between.address}/v1/traces"
    exporting.provider.cache_clear()
    talker.says("Done.")
    run = desk.start("Hello")
    assert run.status == "succeeded"
    assert exporting.provider().force_flush(20_000)
    assert between.fallen.is_set()
    assert len(collector.server.heard) >= 1


def test_every_call_that_leaves_has_its_time_out():
    tests = [name for name in globals() if name.startswith("test_")]
    assert {kind: len([t for t in tests if t.startswith(name)]) for kind, name in REACHED_BY.items()} == dict.fromkeys(
        REACHED_BY, 1
    )
