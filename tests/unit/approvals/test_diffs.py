"""Differences are complete: nothing that changed is shown as the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.diffs import Change, field_diff, label_of
from workspaces.canonical import canonical

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


def test_each_field_is_named_with_both_values():
    before = {"tier": "silver", "address": {"postal_code": "1", "city": "Bern"}, "old": None}
    after = {"tier": "gold", "address": {"postal_code": "1", "street": "A"}, "new": False}
    assert field_diff(before, after) == [
        Change("/tier", "tier", "silver", "gold", "changed"),
        Change("/address/postal_code", "address › postal code", "1", "1", "same"),
        Change("/address/city", "address › city", "Bern", None, "removed"),
        Change("/address/street", "address › street", None, "A", "added"),
        Change("/old", "old", None, None, "removed"),
        Change("/new", "new", None, False, "added"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (1, True, "changed"),
        (0, False, "changed"),
        (5, 5.0, "same"),
        ("1", 1, "changed"),
        ([1, 2], [1], "changed"),
        ([[True]], [[1]], "changed"),
        ([], [], "same"),
        ({}, {}, "same"),
        ({}, [], "changed"),
        ({"a": 1}, 5, "changed"),
        ([{"a": True}, 2], [{"a": True}, 2, 3], "changed"),
    ],
)
def test_values_are_compared_as_json(before: Any, after: Any, kind: str):
    assert field_diff({"x": before}, {"x": after})[0].kind == kind


def test_lists_of_equal_length_are_compared_entry_by_entry():
    found = field_diff({"lines": [{"sku": "a"}, {"sku": "b"}]}, {"lines": [{"sku": "a"}, {"sku": "c"}]})
    assert [(change.label, change.kind) for change in found] == [
        ("lines › 1 › sku", "same"),
        ("lines › 2 › sku", "changed"),
    ]


def test_where_one_side_does_not_exist_all_is_added_or_removed():
    assert [change.kind for change in field_diff(None, {"a": {"b": 1}, "c": {}})] == ["added", "added"]
    assert [change.kind for change in field_diff({"a": [1]}, None)] == ["removed"]
    assert field_diff(None, None) == []


def test_labels_show_names_as_they_were_meant():
    assert label_of(["a/b", "0", 0, "first_name"]) == "a/b › 0 › 1 › first name"


@given(OBJECTS, OBJECTS)
def test_all_fields_are_the_same_exactly_where_the_canonical_bytes_are(before: dict[str, Any], after: dict[str, Any]):
    changed = any(change.kind != "same" for change in field_diff(before, after))
    assert changed == (canonical(before) != canonical(after))


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(value: dict[str, Any]):
    assert {change.kind for change in field_diff(value, value)} <= {"same"}
