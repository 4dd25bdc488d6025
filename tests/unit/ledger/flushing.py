"""Lets transactional tests empty the database although the ledger refuses TRUNCATE.

Import ``flush_past_the_ledger`` in ``tests/conftest.py``: it is a session fixture that every test then uses. For the
length of a flush's own transaction the superuser of the tests switches triggers off; nothing else is loosened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

KEPT = "ledger_epoch"  # written by the migration: without it no event could be recorded


@contextmanager
def flushing_past_triggers() -> Iterator[None]:
    """While inside, let Django's flush truncate the ledger and keep the epoch that the migration began."""
    original = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, style: Any, tables: Any, **options: Any) -> list[str]:
        statements = original(self, style, [table for table in tables if table != KEPT], **options)
        return ["SET LOCAL session_replication_role = replica;", *statements] if statements else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session", autouse=True)
def flush_past_the_ledger() -> Iterator[None]:
    """Wrap the whole session, so that every transactional test can clean up after itself."""
    with flushing_past_triggers():
        yield
