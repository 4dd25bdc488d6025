"""Workflows in the house with the spy."""

from tests.flows import flows
from tests.house import house, world

__all__ = ["flows", "house", "world"]
