"""Named borders at which a test lets a process die, or holds a thread, exactly there and not somewhere near.

Between two of these a run is in one known state, so that killing a process at each of them is killing it everywhere
that matters. Nothing is armed in production: ``reached`` compares one name with None. Tests arm a point in their own
process with ``acting``; for a process of its own, the setting ``FAILPOINT`` does it, which only ``DEBUG`` honours.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

Act = Callable[["Failpoint"], object]
_act: Act | None = None


class Failpoint(StrEnum):
    """Where it happens, in the order of a step's path."""

    RUN_BEGUN = "run.begun"
    """A run and its first step are committed; nobody was told."""
    STEP_CLAIMED = "step.claimed"
    """The claim is committed, and nothing done for it."""
    LANE_TAKEN = "lane.taken"
    """The steps of many runs are claimed, and nothing done for them."""
    LANE_THOUGHT = "lane.thought"
    """What all of them came to is known; nothing of it is recorded."""
    LANE_WRITTEN = "lane.written"
    """It is committed, and their next steps are claimed; nothing done for those."""
    MODEL_ASKING = "model.asking"
    """The worst case is reserved; nothing has been sent."""
    MODEL_ANSWERED = "model.answered"
    """The whole answer is here; nothing of it is recorded."""
    MODEL_RECORDED = "model.recorded"
    """Answer, cost and proposed actions are committed."""
    LOOK_BEGUN = "look.begun"
    """An observation (before-image, probe, read-back) is on record; the system has not been asked."""
    LOOK_TAKEN = "look.taken"
    """The system has answered; what was seen is not recorded."""
    ACTION_JUDGED = "action.judged"
    """The verdict and what follows from it are committed."""
    ACTION_INTENDED = "action.intended"
    """The intent is committed; nothing has been sent."""
    ACTION_EFFECTED = "action.effected"
    """The effect is there; its outcome is not recorded."""
    ACTION_CONCLUDED = "action.concluded"
    """The outcome is committed; it has not been read back, and the step is not over."""
    DOUBT_RAISED = "doubt.raised"
    """An action is in doubt; nobody has been asked."""
    DOUBT_PROBED = "doubt.probed"
    """The system was asked what happened; people have not been."""
    REQUEST_DECIDED = "request.decided"
    """An answer and what follows from it are committed; nobody was told."""
    STEP_WAKING = "step.waking"
    """People have answered; the step that waited for them still waits."""
    SWEEP_STARTED = "sweep.started"
    """A sweep has the lock, and has done nothing."""
    STEP_HANDED_BACK = "step.handed_back"
    """A dead worker's step is handed back, and that is committed; nobody was told."""
    SCHEDULE_STARTED = "schedule.started"
    """What is due by a schedule is written, and not committed."""
    HINTS_NOTED = "sweep.hints_noted"
    """Runs are marked as told of; no message has been sent."""
    BATCH_EMBEDDED = "reembedding.batch_embedded"
    """A batch of passages has new vectors; nothing of them is recorded."""
    BATCH_STORED = "reembedding.batch_stored"
    """They are committed; the next batch has not begun."""
    WEBHOOK_SENT = "webhook.sent"
    """A webhook's endpoint has answered, or has not; nothing of it is recorded."""


def reached(point: Failpoint) -> None:
    """Say that this point is reached; does nothing unless a test has armed it."""
    if _act is not None:
        _act(point)


@contextmanager
def acting(act: Act) -> Iterator[None]:
    """Call ``act`` with each point that any thread of this process reaches while inside."""
    global _act
    before, _act = _act, act
    try:
        yield
    finally:
        _act = before


def dying_at(point: Failpoint, *, nth: int = 1) -> Act:
    """Return an act that kills this process, as ``kill -9`` does, when ``point`` is reached for the ``nth`` time."""
    left = nth

    def act(here: Failpoint) -> None:
        nonlocal left
        left -= here == point
        if here == point and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def arm(spoken: str) -> None:
    """Let this process die at ``NAME`` or ``NAME:NTH``; an empty text arms nothing, an unknown name is an error."""
    global _act
    name, _, nth = spoken.partition(":")
    if name:
        _act = dying_at(Failpoint(name), nth=int(nth or 1))
