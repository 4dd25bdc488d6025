"""What a run's page tells of forks, and what the page that makes one is given. See ``shapes`` for the manner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkLink:
    """A fork of a run, in a list."""

    id: str
    url: str
    at: int
    status: str
    mode: str
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkState:
    """Where a run is from, whether it is simulated, who let it go on live, and what was forked from it.

    ``go_live_url`` is empty where this person may not, or where it makes no sense.
    """

    simulated: bool
    from_url: str = ""
    at: int | None = None
    live_by: str = ""
    live_at: datetime | None = None
    go_live_url: str = ""
    forks: Sequence[ForkLink] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkPage:
    """What the page that forks a run says beside its form."""

    back_url: str
    back: str
    step: int
    what: str
    workflow: bool
