"""Writes docs/lifecycles.md from the tables of transitions in the code: ``python docs/generate_lifecycles.py``.

A test compares the page with what this makes of the tables, so that neither can change alone.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from django.db.models import TextChoices

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agents.states import RUN_TRANSITIONS, STEP_TRANSITIONS, RunStatus, StepStatus  # noqa: E402
from approvals.states import REQUEST_TRANSITIONS, RequestStatus  # noqa: E402
from audit.states import DELIVERY_TRANSITIONS, DeliveryStatus  # noqa: E402
from memory.states import (  # noqa: E402
    DOCUMENT_TRANSITIONS,
    FACT_TRANSITIONS,
    REEMBEDDING_TRANSITIONS,
    DocumentStatus,
    FactStatus,
    ReembeddingStatus,
)
from tools.states import ACTION_TRANSITIONS, ActionStatus  # noqa: E402

Table = Mapping[str, frozenset[str]]

HEAD = """# Lifecycles

Written by `docs/generate_lifecycles.py` from the tables of transitions (`states.py` of each app); a test keeps the two
equal. Every move is one compare-and-set, `UPDATE … WHERE status = <the old one>`, together with its event in the ledger
(`workspaces.transitions.transition`). Whoever comes second changes nothing and is told so (409).

Pausing is no status: it is a row that forbids new effects in a scope. "Rolled back" and "compensated" are no statuses
either: they are read from the rollback runs and compensations that succeeded.
"""
LIFECYCLES: list[tuple[str, str, type[TextChoices], Table]] = [
    (
        "Run",
        "One task, or one rollback, from its input to its outcome. A task that failed at a model call goes on where a "
        "person says so.",
        RunStatus,
        RUN_TRANSITIONS,
    ),
    (
        "Step",
        "A model call that failed is made ready again by a person; an action that failed never is.",
        StepStatus,
        STEP_TRANSITIONS,
    ),
    (
        "Action",
        "An edit makes a new action and supersedes the old one. `executing` goes back to `approved` only where it is "
        "proven that nothing was done; `in doubt` is left by proof or by a person. What a simulated run would "
        "change ends as `simulated`, and can be nothing that leads to an effect.",
        ActionStatus,
        ACTION_TRANSITIONS,
    ),
    (
        "Request",
        "An approved request is superseded when its action has to be decided on again.",
        RequestStatus,
        REQUEST_TRANSITIONS,
    ),
    (
        "Delivery",
        "One event on its way to one webhook, pending while it is tried. A redelivery is a delivery of its own.",
        DeliveryStatus,
        DELIVERY_TRANSITIONS,
    ),
    (
        "Document",
        "A document is found once it is ready. One that failed can be indexed again; forgetting deletes the row.",
        DocumentStatus,
        DOCUMENT_TRANSITIONS,
    ),
    (
        "Reembedding",
        "A collection on its way to another embedding model. One that stopped says why, and goes on where it stood "
        "once somebody begins it again.",
        ReembeddingStatus,
        REEMBEDDING_TRANSITIONS,
    ),
    (
        "Fact",
        "A later claim under the same key closes a fact; forgetting deletes the row.",
        FactStatus,
        FACT_TRANSITIONS,
    ),
]


def diagram(states: type[TextChoices], moves: Table) -> str:
    """Return the table as a Mermaid diagram: it starts at the first state, and ends where no move leads on."""
    lines = ["stateDiagram-v2", f"    [*] --> {states.values[0]}"]
    lines += [f"    {old} --> {new}" for old in states.values for new in _ordered(states, moves.get(old, frozenset()))]
    lines += [f"    {state} --> [*]" for state in states.values if state not in moves]
    return "\n".join(["```mermaid", *lines, "```"])


def listing(states: type[TextChoices], moves: Table) -> str:
    """Return the table as one: a line a state."""
    lines = ["| status | may become |", "|---|---|"]
    for state, label in states.choices:
        goals = ", ".join(f"`{new}`" for new in _ordered(states, moves.get(state, frozenset())))
        lines.append(f"| {label} (`{state}`) | {goals or 'nothing: it is the end'} |")
    return "\n".join(lines)


def _ordered(states: type[TextChoices], some: frozenset[str]) -> list[str]:
    return [state for state in states.values if state in some]


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, remark, states, moves in LIFECYCLES:
        parts += [f"## {title}\n", f"{remark}\n", diagram(states, moves) + "\n", listing(states, moves) + "\n"]
    return "\n".join(parts)


if __name__ == "__main__":
    (ROOT / "docs" / "lifecycles.md").write_text(page())
