"""Every write of the tools floor. ``execute`` and ``observe`` are the two doors to the outside; there is no third."""

from tools.operations.executing import execute
from tools.operations.images import look_before, read_back
from tools.operations.observing import Observation, observe
from tools.operations.proposing import propose
from tools.operations.settling import lose, prove, settle
from tools.operations.spending import reserve, settle_reservation

__all__ = [
    "Observation",
    "execute",
    "look_before",
    "lose",
    "observe",
    "propose",
    "prove",
    "read_back",
    "reserve",
    "settle",
    "settle_reservation",
]
