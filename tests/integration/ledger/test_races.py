"""Invariant 19 under concurrency: nothing is skipped, sealed twice or out of order, and strangers do not stall us."""

import threading
from io import StringIO
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.ledger import sealing
from audit.ledger.errors import EpochNeeded
from audit.ledger.horizon import horizon
from audit.ledger.models import Epoch, Event, Seal
from audit.ledger.verification import verify
from tests.unit.ledger.writing import seal_now, tamper, write

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = """
INSERT INTO ledger_event (id, workspace_id, at, actor, verb, subject_type, subject_id, body, digest)
VALUES (gen_random_uuid(), %s, now(), 'system:test', 'thing.changed', 'thing', %s, '{}', repeat('0', 64))
"""


def insert(other: psycopg.Connection, workspace_id: UUID, subject: str) -> None:
    other.execute(INSERT, [workspace_id, subject])


def test_invariant_19_an_earlier_transaction_that_commits_later_is_neither_skipped_nor_out_of_order(
    workspace_id, connect
):
    early = connect()
    early.execute("SELECT pg_current_xact_id()")
    later = write(workspace_id)[0]
    assert sealing.seal(workspace_id) is None
    insert(early, workspace_id, "early")
    early.commit()
    made = seal_now(workspace_id)
    assert made.event_count == 2
    early_event = Event.objects.get(subject_id="early")
    assert early_event.sequence > later.sequence
    assert (made.first_sequence, made.last_sequence) == (early_event.sequence, later.sequence)


def test_invariant_19_what_is_older_than_an_open_transaction_is_sealed_without_it(workspace_id, connect):
    before = write(workspace_id)[0]
    other = connect()
    insert(other, workspace_id, "open")
    write(workspace_id)
    made = seal_now(workspace_id)
    assert (made.event_count, made.last_sequence) == (1, before.sequence)
    other.commit()
    assert seal_now(workspace_id).event_count == 2
    assert sealing.lag().events == 0


def test_invariant_19_an_open_transaction_of_another_database_does_not_stall(workspace_id, connect):
    stranger = connect("postgres")
    stranger.execute("SELECT pg_current_xact_id()")
    write(workspace_id)
    assert seal_now(workspace_id).event_count == 1
    assert stranger.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS


def test_an_open_transaction_of_this_database_holds_the_horizon(workspace_id, connect):
    other = connect()
    xid = int(other.execute("SELECT pg_current_xact_id()::text").fetchone()[0])
    write(workspace_id)
    assert horizon(workspace_id).txid <= xid


def test_own_events_are_never_below_the_horizon(workspace_id):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            own = cursor.fetchone()[0]
        assert horizon(workspace_id).txid <= own


def test_invariant_19_two_sealers_at_once_make_one_chain(workspace_id, monkeypatch):
    monkeypatch.setattr(sealing, "MAX_EVENTS_A_SEAL", 3)
    write(workspace_id, 20)
    barrier, failures = threading.Barrier(4), []

    def run() -> None:
        try:
            barrier.wait()
            while sealing.lag().events:
                sealing.seal(workspace_id)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []
    assert [seal.number for seal in Seal.objects.order_by("number")] == list(range(1, 8))
    report = verify(workspace_id)
    assert (report.problems, report.sealed, report.unsealed) == ([], 20, 0)


def test_a_sealer_waits_for_the_one_before_it(workspace_id, connect):
    write(workspace_id)
    other = connect()
    other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ledger.seal:{workspace_id}"])
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        with pytest.raises(DatabaseError, match="lock timeout"):
            sealing.seal(workspace_id)
        assert sealing.seal(uuid4()) is None
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@pytest.fixture
def restored(workspace_id):
    """Make the ledger look as after a restore into another cluster, and give the epoch table back afterwards."""
    write(workspace_id, 2)
    cluster = Epoch.objects.get().cluster
    tamper("UPDATE ledger_event SET txid = txid + 1000000")
    tamper("UPDATE ledger_epoch SET cluster = 1")
    yield
    tamper("DELETE FROM ledger_epoch")
    tamper("INSERT INTO ledger_epoch (number, cluster) VALUES (1, %s)", [cluster])


def test_after_a_restore_recording_and_sealing_say_what_to_do(workspace_id, restored):
    with pytest.raises(DatabaseError, match="seal_ledger --begin-epoch"):
        write(workspace_id)
    with pytest.raises(EpochNeeded, match="seal_ledger --begin-epoch"):
        sealing.seal(workspace_id)


def test_a_new_epoch_continues_the_chain_although_transaction_ids_start_again(workspace_id, restored):
    out = StringIO()
    call_command("seal_ledger", begin_epoch=True, stdout=out)
    assert "Epoch 2 has begun" in out.getvalue()
    assert write(workspace_id)[0].epoch == 2
    old, new = seal_now(workspace_id), seal_now(workspace_id)
    assert [(seal.number, seal.epoch, seal.event_count) for seal in (old, new)] == [(1, 1, 2), (2, 2, 1)]
    assert new.last_txid < old.first_txid
    assert verify(workspace_id).problems == []


def test_transaction_ids_from_the_future_are_noticed(workspace_id):
    write(workspace_id)
    tamper("UPDATE ledger_event SET txid = txid + 1000000")
    with pytest.raises(EpochNeeded, match="has not reached yet"):
        sealing.seal(workspace_id)
