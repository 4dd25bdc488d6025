"""Waits and limits that hold on a busy machine, too."""

import time
from collections.abc import Callable

from django.db import connection

TRIES = 5


def ends_within(seconds: float, act: Callable[[], object]) -> bool:
    """Return whether ``act`` ended in time once in a few tries: a busy machine makes one slow, a fault all of them.

    An ``act`` that returns False did not come to what was to be timed.
    """
    for _ in range(TRIES):
        began = time.monotonic()
        if act() is not False and time.monotonic() - began < seconds:
            return True
    return False


def blocks_somebody() -> None:
    """Wait until another session waits for the locks of this one; the number of looks only bounds a failure."""
    with connection.cursor() as cursor:
        for _ in range(12_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("Nobody waits.")
