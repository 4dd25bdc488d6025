"""Invariant 19: whatever is done to the ledger behind the triggers' back, both verifiers find it and say what."""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from audit.ledger import exporting, merkle, signing, verification
from audit.ledger.contents import event_digest, event_place, leaf, seal_bytes, seal_digest, seal_line
from audit.ledger.models import Event, Seal
from tests.unit.ledger.writing import seal_now, tamper, write

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_ledger.py"


@pytest.fixture
def sealed(workspace_id):
    """Return six events under two seals, and two more that are not sealed."""
    events = write(workspace_id, 3)
    seal_now(workspace_id)
    events += write(workspace_id, 3)
    seal_now(workspace_id)
    return events + write(workspace_id, 2)


@pytest.fixture
def alone(tmp_path, workspace_id):
    """Export and verify with the script alone, in isolated mode: no package, no environment, no settings."""

    def run(*options: str) -> tuple[int, str]:
        export = tmp_path / "export.jsonl"
        export.write_text("".join(exporting.lines([workspace_id])))
        command = [sys.executable, "-I", "-S", str(SCRIPT), str(export), "--public-key", signing.signer().public_key]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def assert_found(workspace_id, alone, pattern: str, *options: str) -> None:
    problems = "\n".join(verification.verify(workspace_id).problems)
    assert re.search(pattern, problems, re.IGNORECASE), problems
    code, said = alone(*options)
    assert code == 1
    assert re.search(pattern, said, re.IGNORECASE), said


def test_invariant_19_an_untouched_ledger_verifies(workspace_id, sealed, alone, witness_path):
    report = verification.verify(workspace_id)
    assert (report.problems, report.sealed, report.unsealed, report.seals) == ([], 6, 2, 2)
    assert "2 events not yet sealed." in report.sentences
    code, said = alone("--seal", str(witness_path))
    assert (code, "2 events not yet sealed" in said, "Nothing is wrong." in said) == (0, True, True)


def test_invariant_19_a_seal_made_while_the_ledger_is_verified_is_no_problem(
    workspace_id, sealed, witness_path, monkeypatch
):
    read = verification.ordered_seals

    def read_and_seal(workspace_id):
        seals = read(workspace_id)
        seal_now(workspace_id)
        return seals

    monkeypatch.setattr(verification, "ordered_seals", read_and_seal)
    assert verification.verify(workspace_id).problems == []
    assert Seal.objects.count() == 3


COLUMNS = {
    "id": "gen_random_uuid()",
    "at": "at + interval '1 microsecond'",
    "actor": "'system:other'",
    "verb": "'thing.kept'",
    "subject_type": "'other'",
    "subject_id": "'2'",
    "body": "'{\"n\": 2}'::jsonb",
    "digest": "repeat('0', 64)",
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("index", [1, 7])
def test_invariant_19_an_edited_column_is_found(workspace_id, sealed, alone, column, index):
    tamper(f"UPDATE ledger_event SET {column} = {COLUMNS[column]} WHERE sequence = %s", [sealed[index].sequence])
    identity = Event.objects.get(sequence=sealed[index].sequence).id
    assert_found(workspace_id, alone, f"event {identity} .* was edited")


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ("txid = txid + 1", "seal 1 (does not match|covers 3 events)"),
        ("txid = 3", "seal 1 covers 3 events"),
        ("epoch = 2", "seal 1 covers 3 events, and 2 are there"),
        ("sequence = sequence + 1000000", "seal 1 does not match its events"),
        ("workspace_id = gen_random_uuid()", "seal 1 covers 3 events, and 2 are there"),
    ],
)
def test_invariant_19_a_moved_event_is_found(workspace_id, sealed, alone, change, pattern):
    tamper(f"UPDATE ledger_event SET {change} WHERE sequence = %s", [sealed[1].sequence])
    assert_found(workspace_id, alone, pattern)


def test_invariant_19_every_column_is_tampered_with_somewhere():
    placed = {"txid", "epoch", "sequence", "workspace_id"}
    assert {field.attname for field in Event._meta.fields} == set(COLUMNS) | placed


def test_invariant_19_swapped_events_are_found(workspace_id, sealed, alone):
    first, second = sealed[0], sealed[1]
    for sequence in (first.sequence, second.sequence):
        tamper("UPDATE ledger_event SET sequence = -sequence WHERE sequence = %s", [sequence])
    for old, new in ((first, second), (second, first)):
        tamper(
            "UPDATE ledger_event SET sequence = %s, txid = %s WHERE sequence = %s",
            [new.sequence, new.txid, -old.sequence],
        )
    assert_found(workspace_id, alone, "seal 1 does not match its events: edited, replaced or reordered")


@pytest.mark.parametrize(("index", "seal"), [(0, 1), (1, 1), (2, 1), (5, 2)])
def test_invariant_19_a_removed_event_is_found(workspace_id, sealed, alone, index, seal):
    tamper("DELETE FROM ledger_event WHERE sequence = %s", [sealed[index].sequence])
    assert_found(workspace_id, alone, f"seal {seal} covers 3 events, and 2 are there")


def test_invariant_19_a_rewritten_event_with_a_fitting_digest_is_found(workspace_id, sealed, alone):
    event = sealed[1]
    event.body = {"n": 2}
    changes = ["""{"n": 2}""", event_digest(event), event.sequence]
    tamper("UPDATE ledger_event SET body = %s::jsonb, digest = %s WHERE sequence = %s", changes)
    assert_found(workspace_id, alone, "seal 1 does not match its events")


def test_invariant_19_an_event_inserted_between_seals_is_found(workspace_id, alone):
    write(workspace_id)
    hidden = write(workspace_id)[0]
    tamper("UPDATE ledger_event SET workspace_id = %s WHERE id = %s", [uuid4(), hidden.id])
    seal_now(workspace_id)
    write(workspace_id)
    seal_now(workspace_id)
    tamper("UPDATE ledger_event SET workspace_id = %s WHERE id = %s", [workspace_id, hidden.id])
    assert_found(workspace_id, alone, f"event {hidden.id} stands .*: moved or inserted")


def test_invariant_19_a_truncated_tail_is_found_by_an_earlier_seal(workspace_id, sealed, alone, witness_path):
    tamper("DELETE FROM ledger_event WHERE sequence >= %s", [sealed[3].sequence])
    tamper("DELETE FROM ledger_seal WHERE number = 2")
    assert alone()[0] == 0
    assert_found(workspace_id, alone, "seal 2 .*truncated", "--seal", str(witness_path))


def test_invariant_19_an_empty_export_is_no_sound_ledger(workspace_id, sealed, alone):
    tamper("DELETE FROM ledger_event")
    tamper("DELETE FROM ledger_seal")
    code, said = alone()
    assert (code, "the export is empty" in said) == (1, True), said


def test_invariant_19_a_whole_workspace_that_vanished_is_found(workspace_id, sealed, alone, witness_path):
    tamper("DELETE FROM ledger_event")
    tamper("DELETE FROM ledger_seal")
    assert verification.workspaces() == [workspace_id]
    assert_found(workspace_id, alone, "seal 1 .*truncated", "--seal", str(witness_path))


@pytest.mark.parametrize("index", [0, 1])
def test_invariant_19_a_removed_seal_is_found(workspace_id, sealed, alone, index):
    write(workspace_id)
    seal_now(workspace_id)
    tamper("DELETE FROM ledger_seal WHERE number = %s", [index + 1])
    assert_found(workspace_id, alone, f"seals {index + 1} to {index + 1} are missing")


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ("id = gen_random_uuid()", "seal 2 was edited"),
        ("number = 7", "seals 2 to 6 are missing"),
        ("epoch = 2", "seal 2 was edited"),
        ("first_txid = first_txid + 1", "seal 2 covers 3 events, and 2 are there"),
        ("first_sequence = first_sequence + 1", "seal 2 covers 3 events, and 2 are there"),
        ("last_txid = last_txid - 1", "seal 2 covers 3 events, and 2 are there"),
        ("last_sequence = last_sequence - 1", "seal 2 covers 3 events, and 2 are there"),
        ("first_txid = last_txid + 1", "seal 2 covers a stretch that does not follow"),
        ("event_count = 2", "seal 2 covers 2 events, and 3 are there"),
        ("merkle_root = repeat('0', 64)", "seal 2 does not match its events"),
        ("previous = repeat('0', 64)", "seal 2 does not continue seal 1"),
        ("at = at + interval '1 second'", "seal 2 was edited"),
        ("key_id = repeat('0', 16)", "seal 2 .*key"),
        ("digest = repeat('0', 64)", "seal 2 was edited"),
        ("signature = 'AAAA'", "seal 2 carries a wrong signature"),
        ("workspace_id = gen_random_uuid()", "seal 2 .*truncated"),
    ],
)
def test_invariant_19_an_edited_seal_is_found(workspace_id, sealed, alone, witness_path, change, pattern):
    tamper(f"UPDATE ledger_seal SET {change} WHERE number = 2")
    assert_found(workspace_id, alone, pattern, "--seal", str(witness_path))


def forge(seal: Seal, seed: str, settings) -> None:
    settings.LEDGER_SIGNING_KEY = seed
    key = signing.signer()
    seal.key_id = key.key_id
    seal.digest, seal.signature = seal_digest(seal), key.sign(seal_bytes(seal))
    columns = {field.attname: getattr(seal, field.attname) for field in Seal._meta.fields if field.attname != "id"}
    assignments = ", ".join(f"{name} = %s" for name in columns)
    tamper(f"UPDATE ledger_seal SET {assignments} WHERE id = %s", [*columns.values(), seal.id])


def test_invariant_19_a_seal_forged_with_another_key_is_found(workspace_id, sealed, alone, settings):
    ours = settings.LEDGER_SIGNING_KEY
    seal = Seal.objects.get(number=2)
    forge(seal, signing.new_seed(), settings)
    settings.LEDGER_SIGNING_KEY = ours
    assert_found(workspace_id, alone, "seal 2 .*key")


def test_invariant_19_a_ledger_rewritten_with_the_true_key_is_found_by_an_earlier_seal(
    workspace_id, sealed, alone, settings, witness_path
):
    seal = Seal.objects.get(number=2)
    tamper("DELETE FROM ledger_event WHERE sequence = %s", [sealed[5].sequence])
    seal.event_count, seal.last_txid, seal.last_sequence = 2, sealed[4].txid, sealed[4].sequence
    seal.merkle_root = merkle.root(leaf(event_place(event), event.digest) for event in sealed[3:5])
    forge(seal, settings.LEDGER_SIGNING_KEY, settings)
    assert alone()[0] == 0
    assert_found(workspace_id, alone, "seal 2 .*rewritten", "--seal", str(witness_path))


def test_invariant_19_one_earlier_seal_in_a_file_of_its_own_is_enough(workspace_id, sealed, alone, tmp_path):
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(seal_line(Seal.objects.get(number=2))))
    assert alone("--seal", str(earlier))[0] == 0
    tamper("DELETE FROM ledger_seal WHERE number = 2")
    assert alone("--seal", str(earlier))[0] == 1


def test_invariant_19_seals_of_an_older_key_verify_while_it_is_known(workspace_id, sealed, alone, settings):
    old = signing.signer().public_key
    settings.LEDGER_SIGNING_KEY = signing.new_seed()
    assert_found(workspace_id, alone, "seal 1 .*key")
    settings.LEDGER_PUBLIC_KEYS = [old]
    seal_now(workspace_id)
    assert verification.verify(workspace_id).problems == []
    assert alone("--public-key", old)[0] == 0


def test_the_script_names_a_file_that_is_no_ledger(tmp_path):
    for name, text in (("a", "nonsense"), ("b", "[1]"), ("c", '{"workspace": "x"}')):
        (tmp_path / name).write_text(text)
        command = [sys.executable, "-I", str(SCRIPT), str(tmp_path / name), "--public-key", "AAAA"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert "cannot be read as an exported ledger" in done.stderr


def test_many_problems_are_counted_beyond_a_hundred(workspace_id):
    write(workspace_id, 110)
    tamper("UPDATE ledger_event SET subject_id = 'other'")
    problems = verification.verify(workspace_id).problems
    assert len(problems) == verification.MAX_PROBLEMS + 1
    assert problems[-1] == "10 further problems are not listed."


def test_a_body_without_canonical_form_counts_as_edited(workspace_id):
    write(workspace_id)
    tamper("UPDATE ledger_event SET body = '{\"n\": 9007199254740993}'")
    assert "was edited" in verification.verify(workspace_id).problems[0]


def test_verify_command_prints_each_workspace_and_fails_on_a_problem(workspace_id, sealed, tmp_path):
    out, export = StringIO(), tmp_path / "out.jsonl"
    call_command("verify_ledger", export=export, stdout=out)
    assert f"Workspace {workspace_id}" in out.getvalue()
    assert "6 events are covered by 2 seals." in out.getvalue()
    assert "2 events not yet sealed." in out.getvalue()
    assert len(export.read_text().splitlines()) == 10
    tamper("DELETE FROM ledger_event WHERE sequence = %s", [sealed[0].sequence])
    with pytest.raises(CommandError, match="not sound: 1 problems"):
        call_command("verify_ledger", workspace=workspace_id, stdout=out)
    assert "PROBLEM: Seal 1 covers 3 events, and 2 are there" in out.getvalue()


def test_verify_command_of_an_empty_ledger_says_so():
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "0 events not yet sealed" in out.getvalue()


def test_verify_command_says_that_the_witness_cannot_be_read(workspace_id, sealed, witness_path):
    witness_path.unlink()
    witness_path.mkdir()
    with pytest.raises(CommandError, match="Is a directory"):
        call_command("verify_ledger", stdout=StringIO())


def test_seal_command_makes_keys_and_seals(workspace_id, settings):
    out = StringIO()
    call_command("seal_ledger", new_key=True, stdout=out)
    settings.LEDGER_SIGNING_KEY = out.getvalue().strip()
    out = StringIO()
    call_command("seal_ledger", public_key=True, stdout=out)
    assert out.getvalue().strip() == signing.signer().public_key
    write(workspace_id)
    out = StringIO()
    call_command("seal_ledger", stdout=out)
    assert re.search(r"\d seals made, \d events not yet sealed, 0 seals not yet witnessed", out.getvalue())
    settings.LEDGER_SIGNING_KEY = ""
    with pytest.raises(CommandError, match="--new-key"):
        call_command("seal_ledger", stdout=out)
