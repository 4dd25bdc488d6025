"""``gate``: how often a second the default policy judges one action, all of its rules, context included."""

import time
from datetime import UTC, datetime
from typing import Any

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
from approvals.policies.default import DEFAULT_RULES
from approvals.policies.evaluate import evaluate
from approvals.policies.rules import parse_rules
from bench.figures import figure

SECONDS = 2.0


def measure() -> list[dict[str, Any]]:
    """Evaluate for two seconds, without a database; parsing the stored rules is measured apart."""
    rules, context = parse_rules(DEFAULT_RULES), _context()
    judged = _rate(lambda: evaluate(rules, context))
    parsed = _rate(lambda: parse_rules(DEFAULT_RULES))
    return [
        figure("gate", "default policy evaluated", judged, "1/s", rules=len(rules)),
        figure("gate", "stored rules parsed, compiled before", parsed, "1/s", rules=len(rules)),
    ]


def _rate(work: Any) -> float:
    work()
    began, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < SECONDS:
        for _ in range(20):
            work()
        done += 20
    return done / spent


def _context() -> GateContext:
    return GateContext(
        action=ActionFacts(
            tool="crm.update",
            operation="row.update",
            effect="reversible",
            egress=False,
            idempotency="conditional",
            connection="crm",
            environment="live",
            has_undo=True,
            compensates=False,
            arguments={"id": 1017, "tier": "gold", "note": "as agreed"},
        ),
        provenance=ProvenanceFacts(
            all_trusted=False,
            any_coincidence=False,
            untrusted_influence=True,
            planned=False,
            leaves=tuple(LeafFacts(path, False, False, ("ticket",)) for path in ("/id", "/tier", "/note")),
        ),
        agent=AgentFacts("support-desk", 1),
        run=RunFacts(kind="task", steps=3, spent_minor=2, currency="USD", labels={}),
        subject=SubjectFacts("customer", "1017"),
        history=HistoryFacts(tool_hour=3, tool_day=20, run_same_call=0, in_doubt=0),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
