"""The model of growth: it goes through what it was fitted to, and says what was not measured."""

import pytest

from bench.peers.growth import figures_of_growth, fitted


def test_the_model_goes_through_what_it_was_fitted_to():
    model = fitted(600, 1200)
    assert [round(model.steps_per_second(number)) for number in (1, 2, 4)] == [600, 900, 1200]
    assert model.own + model.shared == pytest.approx(1 / 600)


def test_what_is_foretold_stands_beside_what_was_measured():
    speeds = {"1proc": 600.0, "2proc": 950.0, "4proc": 1200.0}
    found = {line["figure"]: line for line in figures_of_growth(lambda name: {"steps_per_s": speeds[name]}, 3)}
    assert found["foretold of 2 workers, from 1 and 4"]["value"] == 900
    assert found["foretold of 2 workers, from 1 and 4"]["beside"] == {"measured": 950}


def test_a_run_that_broke_is_no_figure():
    with pytest.raises(RuntimeError, match="no database"):
        figures_of_growth(lambda _: {"error": "no database"}, 1)
