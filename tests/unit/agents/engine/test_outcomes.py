"""How long a failure waits, and how the steps of a turn are counted."""

import pytest

from agents.engine.outcomes import backoff, count_down
from agents.engine.turns import begin_turn


@pytest.mark.parametrize(("failures", "seconds"), [(0, 2), (1, 4), (3, 16), (10, 60), (10_000, 60)])
def test_wait_doubles_up_to_a_minute(settings, failures, seconds):
    settings.RETRY_BASE_SECONDS = 2
    assert backoff(failures) == seconds


@pytest.mark.django_db
def test_last_step_of_a_turn_is_counted_once(house):
    begin_turn(house.run, 3)
    assert [count_down(house.run) for _ in range(3)] == [False, False, True]
    assert (house.run.turn, house.run.steps_used) == (2, 3)
