"""What the memory floor needs from above: for whom a run works, and where else a fact has been written down.

Where nobody says so, a run may read and remember nothing, and nothing can be forgotten.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from workspaces.environments import Environment
from workspaces.errors import Unavailable
from workspaces.models import User


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Who started the run, which collections its agent's version names, and the one subject that it is about.

    ``subject_kind`` and ``subject_ref`` are empty where the run has found no subject, or several.
    """

    starter: User
    collections: Sequence[UUID]
    subject_kind: str = ""
    subject_ref: str = ""
    environment: str = Environment.LIVE


class RunSource(Protocol):
    """Implemented by the agents floor."""

    def for_run(self, run_id: UUID) -> RunFacts:
        """Return what is true of a run; raise ``LookupError`` where there is no such run."""
        ...


class NoRuns:
    """Knows no run, so that nothing is read or remembered: stands in until the agents floor registers itself."""

    def for_run(self, run_id: UUID) -> RunFacts:
        raise LookupError("Nothing is known about the run of this action.")


_source: RunSource = NoRuns()


def register_run_source(source: RunSource) -> None:
    """Put ``source`` in force for this process; called once, when the agents floor is ready."""
    global _source
    _source = source


def run_source() -> RunSource:
    """Return the source in force."""
    return _source


class Copies(Protocol):
    """Implemented by the agents floor, which sees all floors below it."""

    def erase(
        self,
        *,
        workspace_id: UUID,
        facts: Collection[UUID],
        actions: Collection[UUID],
        sessions: Collection[UUID],
        value: object,
    ) -> int:
        """Take ``value`` out of whatever was written down when the facts were proposed or used; return how many rows.

        ``actions`` wrote them, ``sessions`` are about their subject. Called within the transaction that deletes them.
        """
        ...


class UnknownCopies:
    """Refuses: what is not known cannot be said to be forgotten."""

    def erase(
        self,
        *,
        workspace_id: UUID,
        facts: Collection[UUID],
        actions: Collection[UUID],
        sessions: Collection[UUID],
        value: object,
    ) -> int:
        raise Unavailable("Where else this was written down is not known here, so it cannot be forgotten.")


_copies: Copies = UnknownCopies()


def register_copies(copies: Copies) -> None:
    """Put ``copies`` in force for this process; called once, when the agents floor is ready."""
    global _copies
    _copies = copies


def copies() -> Copies:
    """Return what is in force."""
    return _copies
