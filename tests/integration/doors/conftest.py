"""The house with its spy, for every test here."""

from tests.house import house, world

__all__ = ["house", "world"]
