"""Two versions of the code on one database: each run says in which form it was written, and a worker knows forms.

While a new version is rolled out, its web processes write runs that workers of the version before cannot carry on
rightly. A worker takes no step of a run of a newer form than it knows; one of the new version does. A run is given the
oldest form that says all of it, so that old workers go on with everything that they understand.
"""

from typing import Final

PLAIN: Final = 1
FORKS: Final = 2
"""Runs with copied steps and simulated actions."""
NEWEST: int = FORKS


def newest() -> int:
    """Return the newest form that this process knows."""
    return NEWEST
