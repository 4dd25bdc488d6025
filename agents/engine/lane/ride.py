"""Riding: a worker takes runs that are due onto the lane, and carries them on round by round until they leave it."""

import threading
from collections.abc import Callable
from typing import Final
from uuid import UUID

from agents.engine.clock import may_be_late
from agents.engine.control import honour_cancel
from agents.engine.lane.carried import Carried, Claimed, from_run
from agents.engine.lane.open import is_open
from agents.engine.lane.recording import Round, write
from agents.engine.lane.taking import SHARE, take
from agents.engine.lane.thinking import think
from agents.engine.stumbling import stumble
from agents.engine.workers import incarnation, stop_driving, stopping
from agents.models import Step
from workspaces.failpoints import Failpoint, reached

MOST: Final = 64
"""Runs that one ride carries at once."""
ROUNDS: Final = 500
"""Rounds of one ride, after which others have their turn."""
SEATS: Final = 2
"""Rides that one process makes at once: more would only wait for each other's turn at the interpreter."""
_seats = threading.BoundedSemaphore(SEATS)


def ride(*, call: Callable[[], object], tell: Callable[[UUID], object], most: int = MOST) -> bool:
    """Carry on runs that are due, ``most`` at once; return whether more may be due when it ends.

    ``call`` is asked for another worker where there are more runs than places; ``tell`` is told of runs that the engine
    has to go on with. Being called twice, late, or with nothing due is harmless. Where all seats of this process are
    taken nothing is done: whoever sits there goes on until nothing is due.
    """
    if not _seats.acquire(blocking=False):
        return False
    try:
        return _ride(call, tell, most)
    finally:
        _seats.release()


def _ride(call: Callable[[], object], tell: Callable[[UUID], object], most: int) -> bool:
    carried: list[Carried] = []
    for number in range(ROUNDS):
        last = stopping() or number == ROUNDS - 1
        if len(carried) <= most // 2 and not last:
            taken = take(most - len(carried))
            if len(taken) >= most - most // SHARE:  # as many interactive ones as are taken at once, or all places
                call()
            carried += taken
        if not carried:
            return False
        written = _round(carried, incarnation(), claims=not last)
        for run_id in written.tell:
            tell(run_id)
        carried = written.onward
    return True


def by_lane_or(perform: Callable[[Step], None]) -> Callable[[Step], None]:
    """Return how the engine carries out a step of a kind that the lane knows: by the lane where it may take it."""

    def carried_out(step: Step) -> None:
        within = step.run.steps_used < step.run.step_limit and not may_be_late(step.run)
        if is_open() and step.thread == "" and within:
            carry(step)
        else:
            perform(step)

    return carried_out


def carry(step: Step) -> None:
    """Carry on the run of a step that the engine has claimed, as far as it stays on the lane."""
    if step.incarnation is None:
        raise AssertionError("A claimed step has an owner.")
    claimed = Claimed(step.id, step.number, step.node, step.visit, step.attempt, step.input.get("refused", ""))
    carried = [from_run(step.run, claimed)]
    for number in range(ROUNDS):
        written = _round(carried, step.incarnation, claims=number < ROUNDS - 1 and not stopping(), engaged=True)
        carried = written.onward
        if not carried:
            return


def _round(carried: list[Carried], mine: UUID, *, claims: bool, engaged: bool = False) -> Round:
    """Think for every run, then write what all of them came to; ``engaged`` runs are the engine's to drive."""
    ended = [(one, end) for one in carried if (end := think(one)) is not None]
    stumbled = {one.run_id for one in carried} - {one.run_id for one, _ in ended}
    reached(Failpoint.LANE_THOUGHT)
    written = write(ended, incarnation=mine, claims=claims) if ended else Round(mine, claims)
    reached(Failpoint.LANE_WRITTEN)
    for one in carried:
        if one.run_id in stumbled:
            stumble(one.step.id, attempt=one.step.attempt, incarnation=mine)
    for run_id in written.cancel:
        honour_cancel(run_id)
    if not engaged:
        staying = {one.run_id for one in written.onward}
        stop_driving(one.run_id for one in carried if one.run_id not in staying)
    return written
