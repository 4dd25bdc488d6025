"""Whose conversation a run is: found from what the agent has read, never from what a model says."""

from typing import Any

from agents.engine.claims import WORKER
from agents.models import Run
from memory.models import MessageRole, Trust
from memory.operations import append_message, session_for
from tools.models import Action

MAX_REFERENCE = 200


def remember_subject(run: Run, action: Action) -> None:
    """Bind the run to the session of the one subject that ``action`` has found, and put the ticket into it.

    The agent version says which tool finds subjects and which field of its rows names them. No row or several rows
    bind nothing, and a bound run stays where it is. Call with the run locked.
    """
    rule = run.version.subject
    if run.session_id is not None or not rule or rule.get("tool") != action.tool.name:
        return
    reference = _reference(action.result, str(rule.get("field", "id")))
    if reference is None:
        return
    session = session_for(
        workspace_id=run.workspace_id,
        agent_id=run.agent_id,
        subject_kind=str(rule.get("kind", "subject")),
        subject_ref=reference,
        by=WORKER,
    )
    Run.objects.filter(pk=run.pk).update(session=session)
    run.session = session
    append_message(
        session=session,
        run_id=run.id,
        role=MessageRole.REQUESTER,
        source="ticket",
        trust=Trust.UNTRUSTED,
        text=run.input["text"],
        by=WORKER,
    )


def _reference(result: Any, field: str) -> str | None:
    rows = result.get("rows") if isinstance(result, dict) else None
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        return None
    value = rows[0].get(field)
    return None if value is None else str(value)[:MAX_REFERENCE]
