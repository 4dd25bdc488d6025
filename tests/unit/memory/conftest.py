"""Facts are written by actions, so these tests use the house: an agent whose tools lead to a spy."""

from tests.house import house, world

__all__ = ["house", "world"]
