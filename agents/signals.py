"""News within this floor, sent when a transaction commits: only the fast path of what the sweep finds anyway."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

work_appeared = Signal()
"""A run has steps that further workers may take. Arguments: ``run_id``."""

run_ended = Signal()
"""A child's run is over. Arguments: ``run_id``."""


def tell_of_end(run_id: UUID) -> None:
    """Tell that a child's run is over, once the surrounding transaction has committed."""
    transaction.on_commit(partial(run_ended.send, None, run_id=run_id))


def tell_of_work(run_id: UUID, *, times: int = 1) -> None:
    """Tell so many workers, once the surrounding transaction has committed."""
    for _ in range(times):
        transaction.on_commit(partial(work_appeared.send, None, run_id=run_id))
