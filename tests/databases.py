"""The tests' databases, made quickly: migrated once into a template, which every process then copies.

The template's name carries a digest of all migrations, so that a changed one makes a new template and nothing is stale.
"""

import hashlib
import inspect
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

ONE_AT_A_TIME = 4_721_001
"""The advisory lock under which a template is made; any number that nothing else uses."""


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker, django_db_keepdb):
    """Let pytest-django copy the template; a database that is kept and used again is only made once anyway."""
    if django_db_keepdb:
        return
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template()


def template() -> str:
    """Return the name of a migrated database that nobody is connected to; make it where there is none."""
    prefix = f"template_{connection.settings_dict['NAME']}_"[:40]
    name = prefix + digest_of_migrations()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        found = {row[0] for row in cursor.fetchall()}
        if name not in found:
            for outdated in found:
                cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(outdated)))
            rough = sql.Identifier(prefix + "making")
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(rough))
            migrate(prefix + "making")
            cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(rough, sql.Identifier(name)))
    return name


def digest_of_migrations() -> str:
    """Return 12 hexadecimal digits over every migration of every installed app."""
    found = MigrationLoader(None).disk_migrations.values()
    files = sorted(Path(inspect.getfile(type(migration))) for migration in found)
    seen = hashlib.sha256()
    for file in files:
        seen.update(file.read_bytes())
    return seen.hexdigest()[:12]


def migrate(name: str) -> None:
    """Apply all migrations to the database ``name``, and leave the tests' connection as it was."""
    ours = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = ours
