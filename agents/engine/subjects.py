"""Whose conversation a run is: found from what the agent has read, never from what a model says."""

from typing import Any

from django.db.models import Q

from agents.engine.claims import WORKER
from agents.engine.overlays import take_overlay
from agents.models import Run
from agents.states import RunKind
from memory.models import MessageRole, Session, Trust
from memory.operations import append_message, session_for
from tools.models import Action
from tools.states import ActionStatus

MAX_REFERENCE = 200


def remember_subject(run: Run) -> None:
    """Bind the run to the session of the one subject that its look-ups have found, and put the ticket into it.

    The agent version says which tool finds subjects and which field of its rows names them. Nobody found, or several,
    bind nothing, and a bound run stays where it is. A simulated run leaves nothing in the conversation. Call with the
    run locked, when a turn is over.
    """
    rule = run.version.subject
    if run.session_id is not None or not rule or run.kind != RunKind.TASK:
        return
    found = references(run, str(rule.get("tool", "")), str(rule.get("field", "id")))
    if len(found) != 1:
        return
    session = session_for(
        workspace_id=run.workspace_id,
        agent_id=run.agent_id,
        subject_kind=str(rule.get("kind", "subject")),
        subject_ref=found.pop(),
        environment=run.environment,
        by=WORKER,
    )
    Run.objects.filter(pk=run.pk).update(session=session)
    run.session = session
    take_overlay(run)
    if not run.is_simulated:
        _note_ticket(run, session)


def _note_ticket(run: Run, session: Session) -> None:
    append_message(
        session=session,
        run_id=run.id,
        role=MessageRole.REQUESTER,
        source="ticket",
        trust=Trust.UNTRUSTED,
        text=run.input["text"],
        by=WORKER,
    )


def references(run: Run, tool: str, field: str) -> set[str]:
    """Return whom the run's successful calls of ``tool`` have found; a row that names nobody counts as somebody.

    A fork has found what the steps found that it repeats, as far as nobody edited them.
    """
    own = Q(run_id=run.id)
    if run.forked_from_id is not None:
        repeated = run.steps.filter(copies__isnull=False).exclude(input__has_key="edited")
        own |= Q(pk__in=repeated.values("copies__action"))
    results = Action.objects.filter(own, tool__name=tool, status=ActionStatus.SUCCEEDED)
    rows = [row for result in results.values_list("result", flat=True) for row in _rows(result)]
    return {str(row.get(field))[:MAX_REFERENCE] if isinstance(row, dict) else "" for row in rows}


def _rows(result: Any) -> list[Any]:
    rows = result.get("rows") if isinstance(result, dict) else None
    return rows if isinstance(rows, list) else []
