"""What goes wrong, and when: the same seed makes the same list. What it hits at that moment is another matter."""

import random
from dataclasses import dataclass
from typing import Final

KINDS: Final = {
    "kill a worker": 6,
    "kill a scheduler": 2,
    "kill all workers and empty the broker": 1,
    "freeze a worker past its lease": 2,
    "freeze a scheduler": 1,
    "empty the broker": 2,
    "restart the broker": 1,
    "restart the database": 1,
    "send messages again": 3,
    "pause everything": 1,
}
"""Each with how often it comes, beside the others. All come once before any comes twice."""
SHORTEST, LONGEST = 0.5, 3.0


@dataclass(frozen=True)
class Trouble:
    """``after`` seconds of quiet; ``chance`` (0 to 1) chooses among what there is to hit, and how long."""

    after: float
    kind: str
    chance: float


class Troubles:
    """An endless list, made as it is read."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"troubles {seed}")  # noqa: S311 - the same for the same seed
        self._once = list(KINDS)
        self._random.shuffle(self._once)

    def make(self) -> Trouble:
        """Return the next one."""
        after = self._random.uniform(SHORTEST, LONGEST)
        kind = self._once.pop() if self._once else self._random.choices(list(KINDS), list(KINDS.values()))[0]
        return Trouble(after, kind, self._random.random())
