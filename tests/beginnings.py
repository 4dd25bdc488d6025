"""What many tests begin with: built once in a process by the product's own operations, then put back as rows.

The rows that a beginning added are copied out when it was made first, and copied in for each later test, in a tenth of
the time. Identifiers are then the same from test to test, as nothing outlives a test but the outside systems, which
start each test anew, too.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.apps import apps
from django.db import connection, transaction
from psycopg import sql

from audit.ledger.models import Event
from tests.unit.ledger.flushing import KEPT

T = TypeVar("T")


Rows = dict[str, list[bytes]]


@dataclass(frozen=True)
class Beginning:
    """What was made, the last event after it, and the rows it left: those it added, and all of a table it changed."""

    made: Any
    last: UUID | None
    added: Rows
    changed: Rows


_known: dict[tuple[str, UUID | None], Beginning] = {}


def begin_with(name: str, make: Callable[[], T]) -> T:
    """Return what ``make`` makes, from the rows of the first time wherever the test stands where that one stood.

    It stands where the last event is the same one: none at all, or one that an earlier beginning put back. Where a test
    has done something of its own before, everything is made anew, and is no beginning for others.
    """
    upon = last_event()
    known = _known.get((name, upon))
    if known is not None:
        copy_in(known)
    elif upon is None or upon in {beginning.last for beginning in _known.values()}:
        _known[name, upon] = known = begun(make)
    else:
        return make()
    made: T = copy.deepcopy(known.made)
    return made


def last_event() -> UUID | None:
    """Return the newest event's id; every event has its own, but where rows were put back."""
    return Event.objects.order_by("-sequence").values_list("id", flat=True).first()


def begun(make: Callable[[], Any]) -> Beginning:
    """Make it, and find out by which rows the database differs."""
    before = copied_out()
    made = make()
    after = copied_out()
    changed = {table for table, rows in before.items() if set(rows) - set(after.get(table, ()))}
    added = {table: [row for row in rows if row not in before.get(table, ())] for table, rows in after.items()}
    return Beginning(
        made,
        last_event(),
        {table: rows for table, rows in added.items() if rows and table not in changed},
        {table: after.get(table, []) for table in changed},
    )


def copied_out() -> Rows:
    """Return the rows of every table that holds any, as PostgreSQL copies them."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copied:
                if rows := b"".join(bytes(part) for part in copied).splitlines(keepends=True):
                    found[table] = rows
    return found


def copy_in(known: Beginning) -> None:
    """Put the rows of ``known`` where they were, past all triggers, which have seen them once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in known.changed:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        for table, rows in (known.added | known.changed).items():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as into:
                into.write(b"".join(rows))
        cursor.execute("SET LOCAL session_replication_role = origin")


def tables() -> list[str]:
    """Return the tables of all models, without those that migrations fill and the database as a whole keeps."""
    managed = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    return sorted(managed - KEPT)
