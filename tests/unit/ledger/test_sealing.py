"""Sealing and the witness, as one process sees them; races are in tests/integration/ledger."""

import json
from uuid import uuid4

import pytest
from django.db import transaction

from audit.ledger import sealing, witness
from audit.ledger.contents import NO_PREVIOUS
from audit.ledger.errors import SigningKeyMissing
from audit.ledger.models import Epoch, Seal
from tests.unit.ledger.writing import seal_now, write

pytestmark = pytest.mark.django_db(transaction=True)


def test_seals_follow_each_other_and_cover_every_event_once(workspace_id):
    write(workspace_id, 3)
    first = seal_now(workspace_id)
    events = write(workspace_id, 2)
    second = seal_now(workspace_id)
    assert (first.number, first.event_count, first.previous) == (1, 3, NO_PREVIOUS)
    assert (second.number, second.event_count, second.previous) == (2, 2, first.digest)
    assert (second.first_sequence, second.last_sequence) == (events[0].sequence, events[1].sequence)
    assert sealing.seal(workspace_id) is None


def test_sealing_takes_no_more_than_the_limit_at_once(workspace_id, monkeypatch):
    monkeypatch.setattr(sealing, "MAX_EVENTS_A_SEAL", 2)
    write(workspace_id, 5)
    assert [seal_now(workspace_id).event_count for _ in range(3)] == [2, 2, 1]


def test_sealing_inside_another_transaction_is_refused(workspace_id):
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sealing.seal(workspace_id)


def test_sealing_without_a_key_is_refused(workspace_id, settings):
    settings.LEDGER_SIGNING_KEY = ""
    write(workspace_id)
    with pytest.raises(SigningKeyMissing):
        sealing.seal_all()


def test_seal_all_seals_each_workspace_apart():
    workspaces = [uuid4(), uuid4()]
    for workspace_id in workspaces:
        write(workspace_id, 2)
        seal_now(workspace_id)
        write(workspace_id)
    made = sealing.seal_all()
    while sealing.lag().events:
        made += sealing.seal_all()
    assert made == 2
    assert {(seal.workspace_id, seal.number) for seal in Seal.objects.all()} == {
        (w, n) for w in workspaces for n in (1, 2)
    }


def test_lag_counts_what_is_not_sealed_and_names_the_oldest(workspace_id):
    events = write(workspace_id, 3)
    assert (sealing.lag().events, sealing.lag().oldest_at) == (3, events[0].at)
    seal_now(workspace_id)
    assert sealing.lag() == sealing.Lag(0, None, 0)


def test_every_seal_reaches_the_witness(workspace_id, witness_path):
    for _ in range(2):
        write(workspace_id)
        seal_now(workspace_id)
    lines = [json.loads(line) for line in witness_path.read_text().splitlines()]
    assert [line["digest"] for line in lines] == [seal.digest for seal in Seal.objects.order_by("number")]


def test_a_witness_that_cannot_be_written_lags_behind_and_catches_up(workspace_id, witness_path, caplog):
    witness_path.mkdir()
    write(workspace_id)
    seal_now(workspace_id)
    assert sealing.lag().unwitnessed == 1
    assert "witness cannot be written" in caplog.text
    witness_path.rmdir()
    write(workspace_id)
    seal_now(workspace_id)
    assert sealing.lag().unwitnessed == 0
    assert len(witness_path.read_text().splitlines()) == 2


def test_a_torn_line_of_the_witness_is_written_again(workspace_id, witness_path):
    for _ in range(2):
        write(workspace_id)
        seal_now(workspace_id)
    whole = witness_path.read_text()
    witness_path.write_text(whole[:-20])
    witness.offer()
    assert witness_path.read_text() == whole[:-20] + "\n" + whole.splitlines()[1] + "\n"
    assert len(witness.witnessed()[workspace_id]) == 2


def test_what_ledger_rows_are_called(workspace_id):
    event = write(workspace_id)[0]
    assert str(event) == "system:test thing.changed thing:1"
    assert str(seal_now(workspace_id)) == f"seal 1 of {workspace_id}"
    assert str(Epoch.objects.get()) == "epoch 1"


def test_without_a_witness_nothing_lags(workspace_id, settings):
    settings.LEDGER_WITNESS_FILE = ""
    write(workspace_id)
    seal_now(workspace_id)
    assert sealing.lag().unwitnessed == 0
    assert witness.witnessed() == {}
