"""What is operated on: the house with its spy."""

from tests.house import house, world

__all__ = ["house", "world"]
