"""The ledger's page with really sealed rows: which seal covers a line, what a seal proves, what the witness holds."""

import base64
import json

import pytest
from django.db import transaction

from audit.ledger.models import Event, Seal
from audit.ledger.recording import record
from audit.ledger.sealing import seal_all
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def witness(settings, tmp_path):
    """A ledger with a key, and a witness."""
    settings.LEDGER_SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
    settings.LEDGER_WITNESS_FILE = str(tmp_path / "witness.jsonl")
    return tmp_path / "witness.jsonl"


@pytest.fixture
def owner(browse):
    return browse("owner")


def note(workspace):
    with transaction.atomic():
        record(workspace_id=workspace.id, actor="system:tests", verb="test.made", subject=("thing", uuid7()), body={})


def page_of(client, path="/ledger/"):
    return client.get(path).content.decode()


def test_a_sealed_line_leads_to_its_seal_and_an_unsealed_one_says_so(owner, cast, witness, settings):
    note(cast.workspace)
    assert "Not yet sealed" in page_of(owner)
    seal_all()
    page = page_of(owner)
    assert 'href="?seal=2#seals"' in page.replace("/ledger/", "")
    assert "Signature verified" in page
    assert "0 events not yet sealed" in page
    assert (
        Event.objects.filter(workspace_id=cast.workspace.id).count()
        == Seal.objects.get(workspace_id=cast.workspace.id).event_count
    )
    note(cast.workspace)
    page = page_of(owner)
    assert "1 event not yet sealed" in page
    assert "Not yet sealed" in page
    assert 'data-label="Witness"' in page
    settings.LEDGER_WITNESS_FILE = ""
    page = page_of(owner)
    assert "No witness keeps a copy" in page
    assert 'data-label="Witness"' not in page


def test_the_witness_is_compared_seal_by_seal(owner, cast, witness):
    note(cast.workspace)
    seal_all()
    assert "Holds the same" in page_of(owner)
    lines = [json.loads(line) for line in witness.read_text().splitlines()]
    witness.unlink()
    assert "Not yet" in page_of(owner).split('id="seals"')[1]
    witness.write_text("".join(json.dumps({**line, "digest": "0" * 64}) + "\n" for line in lines))
    assert "Holds another" in page_of(owner)
    witness.unlink()
    witness.mkdir()
    assert "Cannot be read" in page_of(owner)


def test_a_seal_that_is_not_what_was_signed_does_not_verify(owner, cast, witness, settings):
    note(cast.workspace)
    seal_all()
    made = Seal.objects.get(workspace_id=cast.workspace.id)
    settings.LEDGER_SIGNING_KEY = base64.b64encode(bytes(range(1, 33))).decode()
    assert "unknown key" in page_of(owner)
    Seal.objects.create(
        workspace_id=made.workspace_id, number=2, epoch=made.epoch, first_txid=made.first_txid,
        first_sequence=made.first_sequence, last_txid=made.last_txid, last_sequence=made.last_sequence, event_count=1,
        merkle_root="0" * 64, previous=made.digest, at=made.at, key_id=made.key_id, digest="0" * 64,
        signature=made.signature,
    )  # fmt: skip
    settings.LEDGER_SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
    page = page_of(owner)
    assert "Does not verify" in page
    assert "Signature verified" in page
