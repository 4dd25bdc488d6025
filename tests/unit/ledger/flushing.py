"""Lets transactional tests empty the database although the ledger refuses it, and quickly.

Import ``flush_past_the_ledger`` in ``tests/conftest.py``: it is a session fixture that every test then uses. For the
length of a flush's own transaction the superuser of the tests switches triggers off; nothing else is loosened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

KEPT = {
    "ledger_epoch",  # written by the migration: without it no event could be recorded
    "django_content_type",  # what every migration leaves behind, and no test changes
    "auth_permission",
}


@contextmanager
def flushing_past_triggers() -> Iterator[None]:
    """While inside, let Django's flush empty the ledger too, by DELETE.

    TRUNCATE makes new files for all tables and their indexes, which takes a hundred times as long as deleting the few
    rows of a test. Like TRUNCATE this waits until no other connection is in the middle of writing.
    """

    def sql_flush(self: DatabaseOperations, style: Any, tables: Any, **options: Any) -> list[str]:
        names = [self.quote_name(table) for table in tables if table not in KEPT]
        if not names:
            return []
        lock = f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE;"
        return ["SET LOCAL session_replication_role = replica;", lock, *(f"DELETE FROM {name};" for name in names)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session", autouse=True)
def flush_past_the_ledger() -> Iterator[None]:
    """Wrap the whole session, so that every transactional test can clean up after itself."""
    with flushing_past_triggers():
        yield
