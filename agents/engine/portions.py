"""The steps that wait, a portion of them a round: what the sweep costs does not grow with how many wait.

A portion is the waiting steps of the next runs, by id; after the last one it begins with the first again. All that is
looked for there is what a lost signal has left behind, so that many waiting runs make it some seconds later. Where the
last round ended stands in the sweep's own row, whoever made that round.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from agents.models import Sweep

MOST: Final = 4000
"""Waiting steps that one round looks at."""
FIRST: Final = UUID(int=0)
END: Final = """
SELECT run_id FROM agents_step WHERE status = 'waiting' AND run_id > %s ORDER BY run_id OFFSET %s LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Portion:
    """The waiting steps of runs after ``after`` and up to ``upto``, which is None where they are the last."""

    after: UUID
    upto: UUID | None

    @property
    def rows(self) -> Q:
        """The condition for steps of it."""
        within = Q(run_id__gt=self.after)
        return within if self.upto is None else within & Q(run_id__lte=self.upto)


def next_portion(sweep_id: UUID) -> Portion:
    """Return the portion after the one that the sweep looked at last."""
    after = Sweep.objects.filter(pk=sweep_id).values_list("looked_until", flat=True).first() or FIRST
    with connection.cursor() as cursor:
        cursor.execute(END, [after, MOST - 1])
        found = cursor.fetchone()
    return Portion(after, found[0] if found else None)
