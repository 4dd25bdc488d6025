"""The database's own clock, and the rule that no connection is held across a network call (DESIGN invariant 9)."""

from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


class ClockTimestamp(models.Func):
    """``clock_timestamp()``: the one clock by which ownership and validity are compared."""

    function = "clock_timestamp"
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


def release_connection() -> None:
    """Give this thread's database connection back before talking to another system.

    Raise ``RuntimeError`` inside a transaction: whoever calls out there would hold locks while a stranger thinks.
    """
    blocks = getattr(connection, "atomic_blocks", [])
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise RuntimeError("Commit before calling another system: a transaction is open in this thread.")
    if not blocks:
        connection.close()
