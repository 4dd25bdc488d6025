"""Random contexts and rules."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

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
from approvals.policies.rules import Rule

NAMES = st.text(min_size=1, max_size=8)
VALUES = st.none() | st.booleans() | st.integers(-5000, 5000) | st.floats(-9e3, 9e3) | st.text(max_size=6)
COUNTS = st.integers(0, 6)
EFFECTS = st.sampled_from(["read", "reversible", "compensatable", "irreversible", "", "unheard-of"])
CLASSES = st.sampled_from(["enforced", "conditional", "probe", "none", "unheard-of"])


def contexts() -> st.SearchStrategy[GateContext]:
    """Draw any context at all, likely ones more often."""
    yes_or_no = st.booleans()
    return st.builds(
        GateContext,
        action=st.builds(
            ActionFacts,
            tool=st.sampled_from(["crm.customer", "mail.send", ""]),
            operation=st.sampled_from(["update", "send"]),
            effect=EFFECTS,
            egress=yes_or_no,
            idempotency=CLASSES,
            connection=st.just("crm"),
            environment=st.sampled_from(["production", "test"]),
            has_undo=yes_or_no,
            compensates=yes_or_no,
            arguments=st.dictionaries(st.sampled_from(["tier", "amount", "list"]) | NAMES, VALUES | st.lists(VALUES)),
        ),
        provenance=st.builds(
            ProvenanceFacts,
            all_trusted=yes_or_no,
            any_coincidence=yes_or_no,
            untrusted_influence=yes_or_no,
            planned=yes_or_no,
            leaves=st.lists(st.builds(LeafFacts, NAMES, yes_or_no, yes_or_no, st.tuples(NAMES)), max_size=3).map(tuple),
        ),
        agent=st.builds(AgentFacts, NAMES, st.integers(1, 9)),
        run=st.builds(
            RunFacts,
            kind=st.sampled_from(["task", "rollback", "external"]),
            steps=COUNTS,
            spent_minor=st.integers(-1, 5000),
            currency=st.just("EUR"),
            labels=st.dictionaries(st.sampled_from(["team", "risk"]), NAMES),
        ),
        subject=st.builds(SubjectFacts, st.just("customer"), NAMES),
        history=st.builds(HistoryFacts, COUNTS, COUNTS, COUNTS, COUNTS),
        now=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
        reviewer=st.dictionaries(st.just("limit_minor"), st.integers(0, 9999)),
    )


CONDITIONS = [
    "true",
    "false",
    "action.egress",
    "action.effect == 'read'",
    "!provenance.all_trusted || provenance.any_coincidence",
    "has(action.arguments.tier) && type(action.arguments.tier) == string",
    "has(action.arguments.amount) && type(action.arguments.amount) == int && action.arguments.amount > 1000",
    "provenance.leaves.all(leaf, leaf.trusted)",
    "provenance.leaves.exists(leaf, leaf.coincidence && leaf.path.size() > 2)",
    "run.spent_minor < 0 || run.spent_minor > 2000",
    "'team' in run.labels && run.labels.team != 'support'",
    "history.tool_hour + history.tool_day > 6 ? run.steps > 2 : action.has_undo",
    "now < timestamp('2026-01-01T00:00:00Z')",
    "subject.ref.startsWith('C') || agent.version >= 5",
    "action.environment in ['production', 'staging'] && run.kind != 'rollback'",
    "type(action.arguments.tier) == string && action.arguments.tier == 'gold'",
    "run.labels.risk == 'high'",
    "10 / run.steps > 2",
    "'limit_minor' in reviewer && reviewer.limit_minor < 5000",
]


def rules(**fixed: Any) -> st.SearchStrategy[Rule]:
    """Draw a rule; ``fixed`` fields are taken as they are."""

    def build(when: str, outcome: str, number: int, terms: dict[str, Any]) -> Rule:
        data = {"name": f"r{number}", "reason": "Because.", "when": when, "outcome": outcome} | fixed
        return Rule.model_validate(data | (terms if data["outcome"] == "review" else {}) | fixed)

    terms = st.fixed_dictionaries(
        {
            "queue": st.sampled_from(["default", "finance"]),
            "quorum": st.integers(1, 3),
            "time_limit_seconds": st.integers(60, 9999),
            "on_expiry": st.sampled_from(["expire", "reject"]),
            "waivable": st.booleans(),
        }
    )
    outcomes = st.sampled_from(["allow", "review", "deny"])
    return st.builds(build, st.sampled_from(CONDITIONS), outcomes, st.integers(0, 999), terms)
