"""What a run's page tells of a rollback that was asked for with its cancelling: still to come, or ready to be read."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from agents.models import Run
from agents.states import RunStatus

COMING: Final = "Its rollback is being prepared: what would be undone is shown here in a moment."
LATER: Final = "Its rollback is prepared as soon as it has come to rest."
READY: Final = "Its rollback is prepared. Nothing is undone until somebody confirms it."


@dataclass(frozen=True, slots=True)
class Wish:
    """A sentence, and where the preview is read once there is one."""

    sentence: str
    url: str = ""


def wish_of(run: Run) -> Wish | None:
    """Return what became of the wish to roll the run back; None where nobody had it, or all of it is over."""
    if run.rollback_asked_by_id is None:
        return None
    if run.rollback_due_at is not None:
        return Wish(COMING if run.is_terminal else LATER)
    waiting = run.rollbacks.filter(status=RunStatus.WAITING, turn=0).order_by("-id")
    found = waiting.values_list("id", flat=True).first()
    return None if found is None else Wish(READY, reverse("runs:rollback", args=[found]))
