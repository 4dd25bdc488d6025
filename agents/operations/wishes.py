"""Cancelling with rolling back: a wish that a row keeps until the run is at rest and its preview is made.

A preview asks outside systems, so that neither the request nor the sweep makes it: a worker does, which is told by the
one and, until it is done, again and again by the other. Nothing is undone by a wish: a person confirms the preview.
"""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from agents.models import Run
from agents.operations.rollbacks import effects_of, preview_rollback
from agents.states import RUN_TERMINAL, RunKind
from audit.ledger.recording import record
from workspaces.actors import System, actor_text
from workspaces.database import ClockTimestamp
from workspaces.errors import DomainError, StaleState
from workspaces.models import User

log = logging.getLogger(__name__)

TELL_AGAIN: Final = timedelta(seconds=30)
WISHES: Final = System("rollback_wishes")


def ask_rollback(run: Run, by: User) -> None:
    """Note that the run is to be rolled back; the first who asks has the preview made in their name."""
    if run.kind == RunKind.ROLLBACK:
        raise StaleState("A rollback is not rolled back.", "Cancel it alone.")
    wish = Run.objects.filter(pk=run.pk, rollback_asked_by=None)
    if wish.update(rollback_asked_by=by, rollback_due_at=ClockTimestamp()):
        subject = ("run", run.id)
        record(workspace_id=run.workspace_id, actor=actor_text(by), verb="run.rollback_asked", subject=subject)


def due_wishes(most: int) -> list[UUID]:
    """Return runs at rest whose previews are to be made and nobody was told of lately; note that somebody is told."""
    with transaction.atomic():
        rows = Run.objects.select_for_update(skip_locked=True, no_key=True)
        due = rows.filter(rollback_due_at__lte=ClockTimestamp(), status__in=RUN_TERMINAL)
        found = list(due.order_by("rollback_due_at").values_list("id", flat=True)[:most])
        Run.objects.filter(pk__in=found).update(rollback_due_at=ClockTimestamp() + TELL_AGAIN)
    return found


def prepare_rollback(run_id: UUID) -> Run | None:
    """Make the preview that is wished for, where the run is at rest; None where there is nothing to make.

    Twice at once it is made once. Where it cannot be made the run says why, and the wish is over.
    """
    wished = Run.objects.filter(pk=run_id, rollback_due_at__isnull=False, status__in=RUN_TERMINAL)
    run = wished.select_related("rollback_asked_by").first()
    if run is None or run.rollback_asked_by is None:
        return None
    if not effects_of(run):
        _give_up(run, "It did nothing outside that could be rolled back.")
        return None
    try:
        return preview_rollback(run_id=run.id, by=run.rollback_asked_by, wished=True)
    except StaleState:
        log.info("The rollback of run %s has been prepared by somebody else.", run_id)
    except DomainError as refusal:
        _give_up(run, f"Its rollback was not prepared: {refusal.message} {refusal.hint}".strip())
    return None


def _give_up(run: Run, sentence: str) -> None:
    with transaction.atomic():
        told = {"explanation": f"{run.explanation} {sentence}".strip(), "rollback_due_at": None}
        if Run.objects.filter(pk=run.pk, rollback_due_at__isnull=False).update(**told):
            record(
                workspace_id=run.workspace_id,
                actor=actor_text(WISHES),
                verb="run.rollback_not_prepared",
                subject=("run", run.id),
            )
