"""What is written of an attempt that is over: the action's changes, and all that the attempt learned."""

import logging
from collections.abc import Collection
from typing import Any, Final

from django.utils import timezone

from tools.bindings import destination_digest
from tools.environments import connection_of
from tools.models import Action, ActionAttempt
from tools.operations.endings import Ending
from tools.operations.targets import operation_of
from tools.states import ActionStatus, AttemptKind
from workspaces.canonical import sanitise
from workspaces.payloads import keep

TOLD: Final = ("result",)
"""Of an attempt's evidence, what may be stored apart; images are compared by the database."""
log = logging.getLogger(__name__)


def finish_attempt(action: Action, number: int, ending: Ending) -> None:
    """Complete the attempt's row; call it in the transaction that moves the action."""
    evidence = ending.evidence if ending.done is None else {"result": ending.done.result, "after": ending.done.after}
    ActionAttempt.objects.filter(action=action, kind=AttemptKind.EXECUTE, number=number).update(
        outcome=ending.outcome,
        explanation=ending.sentence,
        evidence=_kept(action, sanitise(evidence or {}), only=TOLD),
        finished_at=timezone.now(),
    )


def changes_of(action: Action, ending: Ending) -> dict[str, Any]:
    """Return what the action's row says of how it ended; call it in the transaction that writes it."""
    if ending.done is None:
        finished = timezone.now() if ending.status == ActionStatus.FAILED else None
        return {"explanation": ending.sentence, "finished_at": finished}
    after = sanitise(ending.done.after)
    return {
        "explanation": ending.sentence,
        "result": _kept(action, sanitise(ending.done.result)),
        "after_image": after,
        "undo_plan": undo_plan(action, after),
        "finished_at": timezone.now(),
    }


def undo_plan(action: Action, after: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the concrete undo (tool, arguments, where it leads) as it is at this moment; None where there is none.

    Whatever fails here leaves an effect without an undo, never an effect without its record.
    """
    try:
        arguments = operation_of(action.tool).undo(action.arguments, action.before_image, after)
    except Exception:
        log.exception("No undo could be planned for action %s.", action.id)
        return None
    if arguments is None:
        return None
    leads = destination_digest(action.tool, connection_of(action))
    return {"tool": action.tool.name, "arguments": sanitise(arguments), "destination": leads}


def _kept(action: Action, body: dict[str, Any], only: Collection[str] | None = None) -> Any:
    return keep(body, workspace_id=action.workspace_id, owner_id=action.run_id, only=only)
