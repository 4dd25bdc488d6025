"""What the approvals floor needs from above: what an action's run and agent are, and what a person should see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from workspaces.models import User


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The surroundings of one action, read from rows.

    ``evidence`` computes, only when people are asked, what they are shown, each part apart: ``ticket`` (text, source,
    trust), ``reads`` (what was read: tool, arguments, result), ``model_words`` (what the model said, set apart from
    facts), ``conversation``. ``spent`` is None where a price is unknown. ``stated`` is how sure the agent says that it
    is, and ``retrieval`` how good the best passage is that the run has found; in percent, -1 where unknown.
    ``starter`` is whoever started the run, on whose rights its connections are used.
    ``rules`` and ``removed_tools`` are what ``overlay`` says of the customer, which can only narrow.
    """

    agent_name: str
    agent_title: str
    agent_version: int
    run_title: str
    run_kind: str
    environment: str
    steps: int
    spent: Decimal | None
    currency: str
    subject_kind: str
    subject_ref: str
    labels: dict[str, str] = field(default_factory=dict)
    rules: Sequence[dict[str, Any]] = ()
    removed_tools: frozenset[str] = frozenset()
    overlay: str = ""
    stated: int = -1
    retrieval: int = -1
    starter: User | None = None
    evidence: Callable[[], dict[str, Any]] = dict


class ContextSource(Protocol):
    """Implemented by the agents floor."""

    def for_action(self, action_id: UUID) -> ActionContext:
        """Return the surroundings of an action; raise ``LookupError`` where there is no such step or run."""
        ...


class NoContext:
    """Knows nothing, so that the gate denies: what stands in until the agents floor registers itself."""

    def for_action(self, action_id: UUID) -> ActionContext:
        raise LookupError("Nothing is known about the run of this action.")


_source: ContextSource = NoContext()


def register_context_source(source: ContextSource) -> None:
    """Put ``source`` in force for this process; called once, when the agents floor is ready."""
    global _source
    _source = source


def context_source() -> ContextSource:
    """Return the source in force."""
    return _source
