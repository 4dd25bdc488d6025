"""The facts of a gate evaluation: strict, storable, and the same for rules as for the record."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from approvals.policies.context import GateContext, ProvenanceFacts
from tests.unit.approvals.policies.contexts import contexts
from tools.provenance import Leaf
from workspaces.canonical import canonical


@given(contexts())
def test_what_is_stored_gives_the_same_facts_again(context: GateContext):
    stored = context.as_json()
    assert canonical(stored)
    assert GateContext.from_json(stored).as_cel() == context.as_cel()


def test_hostile_arguments_are_made_storable(make):
    context = make(arguments={"a": float("nan"), "b": "\ud800", "c": 2**70, "d": "nul\0"})
    assert context.as_json()["action"]["arguments"] == {"a": "nan", "b": "?", "c": str(2**70), "d": "nul\ufffd"}


def test_times_are_stored_in_utc(make):
    local = datetime(2026, 5, 4, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    assert make(now=local).as_json()["now"] == "2026-05-04T07:30:00+00:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"spent_minor": 1.5},
        {"spent_minor": -2},
        {"steps": "4"},
        {"tool_day": -1},
        {"egress": 1},
        {"now": datetime(2026, 5, 4)},
        {"labels": {"a": 1}},
        {"reviewer": {"limit_minor": 10.5}},
    ],
)
def test_facts_of_another_type_are_refused(make, changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        make(**changes)


def test_provenance_is_summed_up_from_the_traced_leaves():
    leaves = [Leaf("/a", '"x"', ("ticket",), False, False), Leaf("/b", "1", ("goal",), True, True)]
    facts = ProvenanceFacts.of(leaves, untrusted_influence=True, planned=False)
    assert (facts.all_trusted, facts.any_coincidence, facts.untrusted_influence) == (False, True, True)
    assert [leaf.sources for leaf in facts.leaves] == [("ticket",), ("goal",)]
