"""Simulating: how an action of a simulated run ends. It was judged, and nothing outside was asked to do anything."""

import logging
from typing import Any

from django.utils import timezone

from tools.models import Action
from tools.operations.targets import operation_of
from tools.states import ActionStatus
from workspaces.actors import Actor
from workspaces.canonical import sanitise
from workspaces.transitions import transition

log = logging.getLogger(__name__)


def simulate(action: Action, *, sentence: str, body: dict[str, Any], by: Actor) -> None:
    """End a proposed action as simulated, with the outcome that its tool predicts.

    ``result`` is ``{"simulated": true, "expected": image or null}``; null where the tool predicts nothing. Raise
    ``StaleState`` where the action is no longer proposed.
    """
    result = {"simulated": True, "expected": sanitise(_expected(action))}
    transition(
        action,
        ActionStatus.SIMULATED,
        by=by,
        body=body,
        explanation=sentence,
        result=result,
        finished_at=timezone.now(),
    )


def _expected(action: Action) -> dict[str, Any] | None:
    """Return the state that the tool predicts; whatever fails here predicts nothing."""
    known: dict[str, Any] | None = action.predicted
    if known is not None:
        return known
    try:
        return operation_of(action.tool).predict(action.arguments, action.before_image)
    except Exception:  # a connector may fail in any way; then nothing is foretold, and nothing was done
        log.exception("Nothing could be predicted of the simulated action %s.", action.id)
        return None
