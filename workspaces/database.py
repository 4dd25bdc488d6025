"""The database's own clock, and the rule that no connection is held across a network call (DESIGN invariant 9)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler


class ClockTimestamp(models.Func):
    """``clock_timestamp()``: the one clock by which ownership and validity are compared."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


class ClockOnce(models.Func):
    """``clock_timestamp()`` as it is when a statement begins to look: an index answers what is due by then.

    Compared with the function itself every row that may be due would be read, since it gives each row another time.
    """

    template = "(SELECT clock_timestamp())"
    output_field = models.DateTimeField()


if TYPE_CHECKING:
    UuidLookup = models.Lookup[Any]
else:
    UuidLookup = models.Lookup


@models.UUIDField.register_lookup
class AnyOf(UuidLookup):
    """``field__any_of=array``: the value is one of the elements of an array column, also of an outer query's row."""

    lookup_name = "any_of"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*left_params, *right_params]


def returning(rows: models.QuerySet[Any], fields: Sequence[str], **changes: Any) -> tuple[str, Sequence[Any]]:
    """Return the UPDATE that makes ``changes`` to ``rows`` as SQL, with its parameters; it returns ``fields``."""
    query: Any = rows.query.chain(UpdateQuery)  # of which the stubs know less than it does
    query.add_update_values(changes)
    statement, parameters = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    names = [connection.ops.quote_name(rows.model._meta.get_field(name).column) for name in fields]
    return f"{statement} RETURNING {', '.join(names)}", parameters


def update_returning(rows: models.QuerySet[Any], fields: Sequence[str], **changes: Any) -> tuple[Any, ...] | None:
    """Make ``changes`` to at most one row and return its ``fields`` as they are then; None where there is no row."""
    with connection.cursor() as cursor:
        cursor.execute(*returning(rows, fields, **changes))
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


def release_connection() -> None:
    """Give this thread's database connection back before talking to another system.

    Raise ``RuntimeError`` inside a transaction: whoever calls out there would hold locks while a stranger thinks.
    """
    blocks = getattr(connection, "atomic_blocks", [])
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise RuntimeError("Commit before calling another system: a transaction is open in this thread.")
    if not blocks:
        connection.close()
