"""What the console's templates are given: plain values, already checked, already scoped to the workspace.

Views of every floor fill these in; templates compute nothing and fetch nothing. Text that came from outside stays as it
came (the templates show it through ``inert``). ``url`` fields are addresses in this console; empty means "no link".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from workspaces.console.differences import FieldDiff


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry of the navigation; ``go`` is the letter after ``g`` that leads there."""

    key: str
    label: str
    url: str
    icon: str
    go: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRow:
    """One scope that is paused: ``scope`` is workspace, agent, run, tool or connection, ``label`` names it.

    ``url`` is where it is looked at, if it has a page.
    """

    scope: str
    label: str
    by: str
    at: datetime
    reason: str = ""
    repair_allowed: bool = True
    release_url: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceChoice:
    """A workspace that the person may switch to: its id is posted as ``workspace`` to the frame's ``switch_url``."""

    id: str
    name: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Everything around a page; put into the context as ``frame`` by the context processor."""

    workspace: str
    person: str
    role: str
    sign_out_url: str
    version: str
    nav: Sequence[NavItem] = ()
    here: str = ""
    choices: Sequence[WorkspaceChoice] = ()
    switch_url: str = ""
    pauses: Sequence[PauseRow] = ()
    pause_url: str = ""
    pauses_url: str = ""
    demo_planner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The computed sentence of a memo: what happens to whom, where, for how much, undoable or not.

    ``does`` is a verb phrase from the tool ("Send an e-mail"); ``values`` are exact argument values worth naming;
    ``undo`` is the recorded plan in words. ``effect`` is an effect class; ``egress`` says that free text leaves.
    """

    does: str
    effect: str
    to: str = ""
    system: str = ""
    values: Sequence[str] = ()
    amount: Decimal | None = None
    currency: str = ""
    undo: str = ""
    egress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an argument's value came from: ``trust`` is trusted, untrusted, or none (no source found)."""

    label: str
    trust: str
    excerpt: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of an action with its sources; ``coincidental`` says the match is too short to prove anything."""

    name: str
    value: Any
    sources: Sequence[Source] = ()
    coincidental: bool = False

    @property
    def is_text(self) -> bool:
        """Tell whether the value is shown as text rather than as JSON."""
        return not isinstance(self.value, dict | list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule that had a say in a verdict."""

    rule: str
    sentence: str
    outcome: str
    waivable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The input of a run, frozen when the request was made."""

    text: str
    sender: str
    received_at: datetime | None = None
    session_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage that was read, with its citation: its ``place`` in the document's text, the ``digest`` of its words.

    ``found`` says by what a search found it.
    """

    document: str
    headings: str
    place: str
    trust: str
    text: str
    source: str
    chunk: str
    digest: str
    url: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A fact that an agent was told, with its trust and source; ``value`` is None where it was forgotten since."""

    key: str
    value: str | None
    trust: str = ""
    source: str = ""
    at: datetime | None = None
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Something that was read before the action was proposed."""

    title: str
    tool: str
    data: Any
    at: datetime | None = None
    trust: str = "trusted"
    url: str = ""
    passages: Sequence[Passage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a model wrote; ``demo`` says that the demo planner, which is not a model, wrote it."""

    text: str
    model: str
    at: datetime | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One earlier message of the conversation; ``source`` says whose it was."""

    source: str
    trust: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """Another action of the same turn, decided on by itself. Without ``url`` nobody is asked about it."""

    title: str
    status: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItem:
    """One thing that happened. ``kind``/``value`` look up its status; ``icon`` defaults to the status's icon.

    ``plain``: the title says the status already. ``undo_url`` takes a POST of ``key`` as ``action``: it previews the
    rollback of this alone. ``about`` says in a line what it is about, ``result`` is what came back, ``after`` how long
    after the beginning it was. ``rolled_back``: verified or unread, if undone; ``told_url``: what a model was told.
    """

    title: str
    kind: str
    value: str
    at: datetime
    key: str = ""
    icon: str = ""
    by: str = ""
    note: str = ""
    url: str = ""
    effect: str = ""
    took: timedelta | None = None
    attempts: int = 1
    cost: Decimal | None = None
    currency: str = ""
    costed: bool = False
    plain: bool = False
    proof: str = ""
    facts: Sequence[tuple[str, str]] = ()
    changes: Sequence[FieldDiff] = ()
    data: Any = None
    words: Words | None = None
    undo_url: str = ""
    about: str = ""
    result: Any = None
    after: timedelta | None = None
    rolled_back: str = ""
    told_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionBar:
    """What this person may do with a request. ``binding`` is posted back, so that only what was seen is decided on.

    ``why_not`` is the sentence of the check that refused, in place of the buttons; ``budget`` is what is used up.
    """

    decide_url: str
    binding: str
    kind: str = "action"
    edit_url: str = ""
    may_respond: bool = True
    why_not: str = ""
    note: str = ""
    amount: Decimal | None = None
    steps: int | None = None
    minutes: str = ""
    budget: tuple[str, str] | None = None
    answer: "Unsent | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """An answer that was not taken: why, and what the person had typed, so that nothing of it is lost."""

    kind: str
    message: str
    hint: str = ""
    reason: str = ""
    settlement: str = ""
    amount: str = ""
    steps: str = ""
    minutes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One request in the inbox."""

    id: str
    url: str
    title: str
    agent: str
    kind: str
    status: str
    at: datetime
    target: str = ""
    queue: str = ""
    expires_at: datetime | None = None
    effect: str = ""
    amount: Decimal | None = None
    currency: str = ""
    decidable: bool = True
    selected: bool = False
    environment: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How sure one can be, in percent: what was measured (name, figure, what it means), and the agent's own word."""

    measured: Sequence[tuple[str, int, str]] = ()
    stated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """How many people must approve, and how many have; ``on_expiry`` says in words what running out of time does."""

    queue: str
    needed: int = 1
    approvals: int = 0
    expires_at: datetime | None = None
    on_expiry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended: ``value`` is its status, ``reason`` the person's words, ``then`` what has come of it.

    ``action`` is the status of what was approved; ``url`` leads to what took its place or followed.
    """

    value: str
    title: str
    at: datetime | None = None
    reason: str = ""
    then: str = ""
    action: str = ""
    url: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """The next request that waits for the person, once they are done with this one."""

    url: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage:
    """Everything that the request page shows, in its order. See ``approvals/request.html``."""

    id: str
    kind: str
    status: str
    title: str
    at: datetime
    agent: str
    agent_url: str
    run: str
    run_url: str
    facts: Facts
    bar: DecisionBar | None
    digest: str
    tool: str
    environment: str = "live"
    arguments: Sequence[Argument] = ()
    exact: Any = None
    changes: Sequence[FieldDiff] = ()
    revision: Sequence[FieldDiff] = ()
    revised_by: str = ""
    original_url: str = ""
    drift: Sequence[FieldDiff] = ()
    reasons: Sequence[Reason] = ()
    quorum: Quorum | None = None
    confidence: Confidence | None = None
    ticket: Ticket | None = None
    reads: Sequence[Read] = ()
    conversation: Sequence[Said] = ()
    remembered: Sequence[Remembered] = ()
    siblings: Sequence[Sibling] = ()
    digests: Sequence[tuple[str, str]] = ()
    probe: str = ""
    words: Sequence[Words] = ()
    history: Sequence[TimelineItem] = ()
    cost: Decimal | None = None
    currency: str = ""
    back_url: str = ""
    outcome: Outcome | None = None
    onward: Onward | None = None
    found: Sequence[tuple[str, str]] = ()
    version: str = ""
    events_url: str = ""
    region_url: str = ""
    deciders: str = ""
    deciders_url: str = ""
