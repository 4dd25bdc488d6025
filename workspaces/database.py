"""The database's own clock, and the rule that no connection is held across a network call (DESIGN invariant 9)."""

from django.db import connection, models


class ClockTimestamp(models.Func):
    """``clock_timestamp()``: the one clock by which ownership and validity are compared."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


def release_connection() -> None:
    """Give this thread's database connection back before talking to another system.

    Raise ``RuntimeError`` inside a transaction: whoever calls out there would hold locks while a stranger thinks.
    """
    blocks = getattr(connection, "atomic_blocks", [])
    if any(not getattr(block, "_from_testcase", False) for block in blocks):
        raise RuntimeError("Commit before calling another system: a transaction is open in this thread.")
    if not blocks:
        connection.close()
