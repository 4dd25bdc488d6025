"""The ledger's fixtures, and other connections to the same database: what races need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from django.db import connection

from tests.unit.ledger.conftest import flush_past_the_ledger, witness_path, workspace_id

__all__ = ["flush_past_the_ledger", "witness_path", "workspace_id"]


@pytest.fixture
def connect(transactional_db: None) -> Iterator[Callable[..., psycopg.Connection]]:
    """Open a further connection, to this database or to another one of the cluster."""
    with ExitStack() as stack:

        def open_connection(database: str | None = None) -> psycopg.Connection:
            parameters = connection.get_connection_params()
            keep = {key: parameters[key] for key in ("host", "port", "user", "password") if key in parameters}
            name = database or connection.settings_dict["NAME"]
            return stack.enter_context(psycopg.connect(dbname=name, **keep))

        yield open_connection
