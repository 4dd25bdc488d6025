"""Invariant 19: the database itself refuses to change the ledger, for its owner and for the application's role."""

from importlib import import_module

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from audit.ledger.models import Epoch, Event, Seal
from tests.unit.ledger.writing import seal_now, write

ROLE = "ledger_test_application"
STATEMENTS = [
    statement
    for table, column in (("ledger_event", "verb"), ("ledger_seal", "digest"), ("ledger_epoch", "number"))
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"TRUNCATE {table} CASCADE",
    )
]


@pytest.fixture
def written(transactional_db, workspace_id):
    write(workspace_id)
    seal_now(workspace_id)


@pytest.fixture
def application_role(transactional_db, settings):
    """Make a role that does not own the tables, and run the migration's own step for it."""
    settings.LEDGER_APPLICATION_ROLE = ROLE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {ROLE}")
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(f"GRANT ALL ON ledger_event, ledger_seal, ledger_epoch TO {ROLE}")
    migration = import_module("audit.ledger.migrations.0001_initial")
    with connection.schema_editor() as editor:
        migration.restrict_application_role(apps, editor)
    yield ROLE
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {ROLE}")
        cursor.execute(f"DROP ROLE {ROLE}")


def counts() -> tuple[int, int, int]:
    return (Event.objects.count(), Seal.objects.count(), Epoch.objects.count())


@pytest.mark.parametrize("statement", STATEMENTS)
def test_invariant_19_the_owner_cannot_change_the_ledger(written, statement):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert counts() == (1, 1, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger_event DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_append_only ON ledger_event",
        "ALTER TABLE ledger_event RENAME TO gone",
        "DROP TABLE ledger_seal",
        "ALTER FUNCTION ledger_refuse_change() RENAME TO gone",
        "SET session_replication_role = replica",
        "SELECT setval('ledger_event_sequence', 1)",
    ],
)
def test_invariant_19_the_application_role_cannot_switch_the_guards_off(written, application_role, connect, statement):
    other = connect()
    other.execute(f"SET ROLE {application_role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_invariant_19_the_application_role_has_no_right_to(written, application_role, connect, statement):
    other = connect()
    other.execute(f"SET ROLE {application_role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(statement)
    assert counts() == (1, 1, 1)


def test_the_application_role_records_and_seals(transactional_db, application_role, workspace_id):
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {application_role}")
    try:
        write(workspace_id)
        assert seal_now(workspace_id).event_count == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_the_migration_works_where_the_role_is_absent_or_owns_the_tables(transactional_db, settings):
    migration = import_module("audit.ledger.migrations.0001_initial")
    for role in ("no_such_role", connection.settings_dict["USER"]):
        settings.LEDGER_APPLICATION_ROLE = role
        with connection.schema_editor() as editor:
            migration.restrict_application_role(apps, editor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, 'ledger_event', 'INSERT')")
        assert cursor.fetchone() == (True,)
