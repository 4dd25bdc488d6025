"""Whom a run is about: found from what was read."""

import pytest

from agents.engine.subjects import _rows, references
from tools.models import Action


@pytest.mark.parametrize("result", [None, [], "rows", {"rows": "x"}, {"rows": None}, {}])
def test_result_of_another_shape_has_no_rows(result):
    assert _rows(result) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], set()),
        ([{"id": 7}], {"7"}),
        ([{"id": 7}, {"id": 7}], {"7"}),
        ([{"id": 7}, {"id": 8}], {"7", "8"}),
        ([{"id": 7}, "somebody"], {"7", ""}),
        ([{"id": "x" * 500}], {"x" * 200}),
    ],
)
def test_references_are_whom_the_look_ups_found(house, rows, found):
    action = house.propose("look")
    Action.objects.filter(pk=action.pk).update(status="succeeded", result={"rows": rows})
    assert references(house.run, "look", "id") == found
    assert references(house.run, "send", "id") == set()
