"""Erasing what actions said, so that something can be forgotten: the one hand that may pass the guard on their rows.

What is erased cannot be shown, undone or tried again; that it happened, when, by whom and with which outcome stays.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pgtrigger

from tools.models import Action, ActionAttempt
from tools.operations.outcomes import TOLD as TOLD_APART
from workspaces.canonical import digest
from workspaces.forgetting import GONE, without
from workspaces.payloads import keep

TOLD = ("arguments", "provenance", "before_image", "predicted", "result", "after_image", "undo_plan", "explanation")


def erase_actions(*, action_ids: Collection[UUID]) -> int:
    """Take away all that these actions said, with the plain digests from which a short value could be guessed.

    Call within a transaction that records why; return how many rows were changed.
    """
    attempts = ActionAttempt.objects.filter(action_id__in=action_ids).update(evidence=GONE, explanation="")
    with pgtrigger.ignore("tools.Action:action_says_what_it_said"):
        actions = Action.objects.filter(pk__in=action_ids).update(
            arguments=GONE,
            arguments_digest="",
            provenance=[],
            before_image=None,
            before_digest="",
            predicted=None,
            result=None,
            after_image=None,
            undo_plan=None,
            explanation="What it said has been forgotten.",
            cleared_binding="",
            cleared_until=None,
        )
    return attempts + actions


def erase_mentions(*, run_ids: Collection[UUID], value: object) -> int:
    """Take ``value`` out of what the ended actions of these runs said; return how many rows were changed."""
    changed = 0
    with pgtrigger.ignore("tools.Action:action_says_what_it_said"):
        for action in Action.objects.filter(run_id__in=run_ids).iterator():
            changed += _redact(action, TOLD, value)
    for attempt in ActionAttempt.objects.filter(action__run_id__in=run_ids).iterator():
        changed += _redact(attempt, ("evidence", "explanation"), value)
    return changed


def _redact(row: Any, names: Collection[str], value: object) -> bool:
    told = {name: without(getattr(row, name), value) for name in names}
    changed = {name: new for name, new in told.items() if new != getattr(row, name)}
    for name, new in changed.items():
        setattr(row, name, new)
    run_id = row.run_id if isinstance(row, Action) else row.action.run_id
    for name, only in (("result", None), ("evidence", TOLD_APART)):
        if name in changed:
            setattr(row, name, keep(changed[name], workspace_id=row.workspace_id, owner_id=run_id, only=only))
    if "arguments" in changed:
        row.arguments_digest = digest(row.arguments)
        changed["arguments_digest"] = row.arguments_digest
    if changed:
        row.save(update_fields=list(changed))
    return bool(changed)
