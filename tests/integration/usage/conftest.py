"""What was used, as seen over the API and in the console."""

from tests.house import house, world
from tests.integration.api.conftest import client_of

__all__ = ["client_of", "house", "world"]
