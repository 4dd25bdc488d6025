"""Removing what the actions of an old run said and saw. That they were proposed, tried and done stays on record."""

from typing import Final
from uuid import UUID

import pgtrigger

from tools.models import Action, ActionAttempt, UsageRecord

GUARD: Final = "tools.Action:action_says_what_it_said"
"""The trigger that keeps anybody else from changing what an action says."""


def empty_actions(*, run_id: UUID) -> int:
    """Remove arguments, images, results and words; call in the transaction that records it. Return how many actions."""
    ActionAttempt.objects.filter(action__run_id=run_id).update(explanation="", evidence={})
    UsageRecord.objects.filter(run_id=run_id).update(explanation="")
    with pgtrigger.ignore(GUARD):
        return Action.objects.filter(run_id=run_id).update(
            arguments={},
            provenance=[],
            before_image=None,
            predicted=None,
            result=None,
            after_image=None,
            undo_plan=None,
            explanation="",
        )
