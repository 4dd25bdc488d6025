"""Migrations expand, then contract: the version before goes on while the new one is rolled out on the same database."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations import operations as ops
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED
from pgtrigger import migrations as triggers

from tests.unit.repo.repository import OURS
from workspaces.payloads import BodyField

BEFORE = {
    "agents": "0014_storage",
    "approvals": "0004_answers",
    "audit": "0001_webhooks",
    "ledger": "0002_cheaper_checks",
    "memory": "0006_environments",
    "tools": "0006_connection_grants",
    "workspaces": "0006_second_factor_required",
}
"""The migrations that the version before knows, by app."""
CONTRACTS: dict[tuple[str, str], str] = {}
"""Migrations that take something away, each with the release since which no code has used it."""
HARMLESS = (ops.CreateModel, ops.AddIndex, ops.AddConstraint, ops.AlterModelOptions, triggers.AddTrigger)
REPLACED = (ops.RemoveConstraint, ops.RemoveIndex, triggers.RemoveTrigger)
"""Allowed where the same migration puts another one of the same name in its place."""


def later(loader: MigrationLoader) -> list[Any]:
    """Return our migrations that the version before does not know."""
    known: set[tuple[str, str]] = set()
    for app, name in BEFORE.items():
        known |= set(loader.graph.forwards_plan((app, name)))
    return [one for key, one in loader.disk_migrations.items() if key[0] in OURS and key not in known]


def destructive(migration: Any) -> list[str]:
    put_back: set[str | None] = {
        _name(one) for one in migration.operations if isinstance(one, (ops.AddConstraint, ops.AddIndex))
    }
    put_back |= {one.trigger.name for one in migration.operations if isinstance(one, triggers.AddTrigger)}
    return [one.describe() for one in migration.operations if not expands(one, put_back)]


def _name(operation: Any) -> str:
    return str(operation.constraint.name if isinstance(operation, ops.AddConstraint) else operation.index.name)


def expands(operation: Any, put_back: set[str | None]) -> bool:
    """Say whether code that knows nothing of the operation goes on as before."""
    if isinstance(operation, REPLACED):
        return operation.name in put_back
    if isinstance(operation, ops.AddField):
        field = operation.field
        return bool(field.null or field.many_to_many or field.db_default is not NOT_PROVIDED)
    if isinstance(operation, ops.AlterField):
        return bool(operation.field.null or operation.field.choices or isinstance(operation.field, BodyField))
    return isinstance(operation, HARMLESS)


def test_later_migrations_take_nothing_away_from_the_version_before():
    found = {(one.app_label, one.name): destructive(one) for one in later(MigrationLoader(None))}
    assert {key: taken for key, taken in found.items() if taken and key not in CONTRACTS} == {}


def test_what_takes_something_away_is_found():
    taken = [
        ops.RemoveField("run", "title"),
        ops.RenameField("run", "title", "name"),
        ops.DeleteModel("run"),
        ops.RunSQL("DROP TABLE agents_run"),
        ops.RemoveConstraint("run", "run_gone"),
    ]
    assert [expands(one, set()) for one in taken] == [False] * len(taken)


@pytest.mark.django_db
def test_database_takes_rows_as_the_version_before_writes_them():
    """Every column that it knows is there, and every other one may be left out of an INSERT."""
    loader = MigrationLoader(connection)
    old = loader.project_state(list(BEFORE.items())).apps
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' "
            "FROM information_schema.columns WHERE table_schema = 'public'"
        )
        rows = cursor.fetchall()
    now: dict[str, dict[str, bool]] = {}
    for table, column, optional in rows:
        now.setdefault(table, {})[column] = optional
    ours = [model for model in old.get_models(include_auto_created=True) if model._meta.app_label in OURS]
    assert len(ours) > 30
    for model in ours:
        columns, known = now[model._meta.db_table], {field.column for field in model._meta.local_concrete_fields}
        assert known <= columns.keys(), model
        assert [name for name in columns.keys() - known if not columns[name]] == [], model
