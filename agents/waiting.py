"""Why a run stands still, in one sentence and by its reasons: the console and the API say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.models import Run
from agents.reasons import MOVING, Reason, ReasonKind, reasons_of
from approvals.models import Request
from workspaces.models import Pause, User

UNSEEN: Final = "People must decide, in a queue that you cannot see."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence, empty while the run moves or is over; the open requests that ``user`` may see; and every reason."""

    sentence: str = ""
    requests: tuple[Request, ...] = ()
    reasons: tuple[Reason, ...] = ()


def why_it_waits(run: Run, user: User, pauses: Sequence[Pause], *, beyond_pauses: bool = True) -> Waiting:
    """Say why the run does not move; ``pauses`` are the live ones over it, and all of it unless asked ``beyond``."""
    reasons = tuple(reasons_of(run, pauses, user, beyond_pauses=beyond_pauses))
    asked = [reason for reason in reasons if reason.request is not None]
    seen = tuple(reason.request for reason in asked if reason.request is not None and reason.sentence != UNSEEN)
    if pauses and not run.is_terminal and not run.is_preview:
        return Waiting("It goes on when the pause is released.", (), reasons)
    if seen:
        others = f" {len(seen)} requests are open." if len(seen) > 1 else ""
        return Waiting(f"A person must decide: {seen[0].title.rstrip('.')}.{others}", seen, reasons)
    if any(reason.kind in MOVING for reason in reasons) and not asked:
        return Waiting("", (), reasons)
    held = next((reason for reason in reasons if reason.kind != ReasonKind.CANCELLING), None)
    return Waiting(held.sentence if held else "", (), reasons)
