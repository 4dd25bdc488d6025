"""Contexts to judge: one that the default policy allows, changed by keyword, and random ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from approvals.policies.context import (
    ActionFacts,
    AgentFacts,
    GateContext,
    HistoryFacts,
    LeafFacts,
    ProvenanceFacts,
    RunFacts,
    SubjectFacts,
)

Make = Callable[..., GateContext]


def clean_change(**changes: Any) -> GateContext:
    """Return the context of a clean reversible change, with fields of any of its sections changed by name."""
    context = GateContext(
        action=ActionFacts(
            tool="crm.customer",
            operation="update",
            effect="reversible",
            egress=False,
            idempotency="conditional",
            connection="crm",
            environment="production",
            has_undo=True,
            compensates=False,
            arguments={"id": "C-17", "tier": "gold", "amount": 1200},
        ),
        provenance=ProvenanceFacts(
            all_trusted=True,
            any_coincidence=False,
            untrusted_influence=False,
            planned=False,
            leaves=(LeafFacts("/tier", True, False, ("instruction",)),),
        ),
        agent=AgentFacts("support-desk", 3),
        run=RunFacts("task", 4, 12, "EUR", {"team": "support"}),
        subject=SubjectFacts("customer", "C-17"),
        history=HistoryFacts(tool_hour=0, tool_day=0, run_same_call=0, in_doubt=0),
        now=datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
    )
    for section in ("action", "provenance", "agent", "run", "subject", "history"):
        part = getattr(context, section)
        mine = {name: changes.pop(name) for name in list(changes) if name in part.__dataclass_fields__}
        context = replace(context, **{section: replace(part, **mine)})
    return replace(context, **changes)


@pytest.fixture
def make() -> Make:
    return clean_change
