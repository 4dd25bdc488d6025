"""Looking before a rollback: what is asked of the outside systems, and how often."""

import pytest

from agents.operations import preview_rollback
from tools.connectors.base import NotSent, Refused

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("problem", "asked"), [(NotSent("It is down."), 1), (Refused("There is no such row."), 2)])
def test_system_that_cannot_be_asked_is_asked_once_for_all_effects(house, problem, asked):
    for value in ("first", "second"):
        house.execute(house.approved("change", arguments={"name": "ada", "value": value}))
    house.world.touched.clear()
    house.world.looking_fails = problem
    plan = preview_rollback(run_id=house.run.id, by=house.cast.owner).plan
    sentence = f"The system could not be asked: {problem.message}"
    assert [(item["verdict"], item["sentence"]) for item in plan] == [("impossible", sentence)] * 2
    assert house.world.touched == ["before"] * asked
