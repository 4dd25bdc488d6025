"""How the lane grows with worker processes: a model of two parameters, fitted to one and four, checked against two.

A step costs a worker ``own`` seconds of its own and everybody ``shared`` seconds (PostgreSQL, its log, the processors
that there are), so that n workers make ``n / (own + shared * n)`` steps a second: it grows evenly while a worker's own
work is what takes the time, and stands still at ``1 / shared``.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench.figures import figure

PROCESSES: Final = (1, 2, 4)


@dataclass(frozen=True)
class Model:
    """Seconds that a step takes of a worker, and of what all workers share."""

    own: float
    shared: float

    def steps_per_second(self, workers: int) -> float:
        """Return how many steps so many workers make in a second."""
        return workers / (self.own + self.shared * workers)


def fitted(one: float, four: float) -> Model:
    """Return the model through the steps a second of one worker and of four."""
    shared = (4 / four - 1 / one) / 3
    return Model(1 / one - shared, shared)


def figures_of_growth(run: Callable[[str], dict[str, Any]], rounds: int) -> list[dict[str, Any]]:
    """Run W1 with 1, 2 and 4 workers in turns; return the medians, what the model says of two, and what it is made of.

    ``run`` takes a setting of the driver and returns its row.
    """
    rows = [{number: run(f"{number}proc") for number in PROCESSES} for _ in range(rounds)]
    broken = [row for turn in rows for row in turn.values() if "error" in row]
    if broken:
        raise RuntimeError(f"countersign did not finish with other numbers of workers: {broken[-1]['error']}")
    speeds = {number: statistics.median(float(turn[number]["steps_per_s"]) for turn in rows) for number in PROCESSES}
    model = fitted(speeds[1], speeds[4])
    foretold = model.steps_per_second(2)
    return [
        *(figure("growth", f"W1 with {number} workers", speed, "steps/s") for number, speed in speeds.items()),
        figure("growth", "foretold of 2 workers, from 1 and 4", foretold, "steps/s", measured=speeds[2]),
        figure("growth", "a step's time of its worker alone", model.own * 1000, "ms"),
        figure("growth", "a step's time of what all share", model.shared * 1000, "ms"),
    ]
