"""What a workflow is given when a run of it begins: it fits the workflow's ``input`` schema, or nothing begins."""

import json
from typing import Any, Final

from agents.engine.flow.state import workflow_of
from agents.models import AgentVersion
from tools.schemas import problems_of
from workspaces.canonical import sanitise
from workspaces.errors import InvalidInput, TooLarge

MAX_DATA_BYTES: Final = 256_000


def fitting(version: AgentVersion, text: str, data: Any) -> dict[str, Any]:
    """Return the data as it is kept; raise ``TooLarge`` and ``InvalidInput``. The schema sees the text as a field."""
    if not isinstance(data, dict):
        raise InvalidInput(
            "The data of a task is an object.", 'Send {"name": value, …}.', {"data": ["Send an object."]}
        )
    kept: dict[str, Any] = sanitise(data)
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_DATA_BYTES:
        raise TooLarge(f"The data of a task may have at most {MAX_DATA_BYTES // 1000} kB.", "Send less.")
    schema = workflow_of(version.pk).input
    if schema is None:
        return kept
    given = {"text": text, **kept} if text and "text" in schema.get("properties", {}) else kept
    problems = [f"{one.path}: {one.sentence}" for one in problems_of(given, schema)]
    if problems:
        raise InvalidInput(f"The task does not fit the workflow's input. {problems[0]}", "", {"data": problems})
    return kept
