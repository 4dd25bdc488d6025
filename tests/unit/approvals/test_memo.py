"""Where a value of the arguments stands, as the request page names it."""

import pytest

from approvals.console.memo import place_of
from approvals.diffs import label_of

ARGUMENTS = {"tags": ["vip", "late"], "lines": [{"sku": "a"}, {"sku": "b"}], "5": ["x"], "a/b": {"c": 1}}


@pytest.mark.parametrize(
    ("path", "label", "value"),
    [
        ("/tags/0", "tags › 1", "vip"),
        ("/tags/1", "tags › 2", "late"),
        ("/lines/1/sku", "lines › 2 › sku", "b"),
        ("/5/0", "5 › 1", "x"),
        ("/a~1b/c", "a/b › c", 1),
        ("/lines/7", "lines › 7", "recorded"),
        ("/tags#", "tags#", "recorded"),
    ],
)
def test_entries_of_lists_are_counted_from_one(path, label, value):
    names, found = place_of({"path": path, "value": "recorded"}, ARGUMENTS)
    assert (label_of(names), found) == (label, value)
