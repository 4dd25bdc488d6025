"""What the templates of runs, agents and the ledger are given. See ``shapes`` for the manner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from workspaces.console.differences import FieldDiff
from workspaces.console.shapes import PauseRow, Remembered, TimelineItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of a filter."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One list filter, sent by GET as ``name``; without options it is a search field holding ``value``."""

    name: str
    label: str
    options: Sequence[Option] = ()
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Where in a long list one is; cursors, so only the neighbours are known. ``total`` may be unknown.

    ``before`` and ``after`` are the words on the two buttons.
    """

    shown: int
    total: int | None = None
    previous_url: str = ""
    next_url: str = ""
    before: str = "Newer"
    after: str = "Older"


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """An action that had left when a pause or a cancel came: it cannot be called back, only watched."""

    title: str
    status: str
    since: datetime
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A request that a run waits for."""

    title: str
    url: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in a list; ``rolled_back`` is "", "partly" or "fully"."""

    id: str
    url: str
    title: str
    agent: str
    status: str
    at: datetime
    kind: str = "task"
    mode: str = "live"
    environment: str = "live"
    steps: int = 0
    took: timedelta | None = None
    cost: Decimal | None = None
    currency: str = ""
    paused: bool = False
    rolled_back: str = ""
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason why a run is where it is, where no other part of its page says so."""

    word: str
    sentence: str
    hint: str = ""
    since: datetime | None = None
    until: datetime | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Everything on the run page. A control whose address is empty is not offered."""

    row: RunRow
    task: str
    sender: str
    agent_url: str
    version: str
    route: str
    overlay: str = ""
    effective_url: str = ""
    timeline: Sequence[TimelineItem] = ()
    session_url: str = ""
    remembered: Sequence[Remembered] = ()
    why_waits: str = ""
    waits_url: str = ""
    waits_for: Sequence[OpenRequest] = ()
    why: Sequence[Why] = ()
    outcome: str = ""
    error: str = ""
    error_hint: str = ""
    ended_at: datetime | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    step_limit: int | None = None
    budget: Decimal | None = None
    in_flight: Sequence[InFlight] = ()
    pauses: Sequence[PauseRow] = ()
    pause_url: str = ""
    cancel_url: str = ""
    extend_url: str = ""
    rollback_url: str = ""
    rollbacks: Sequence[RunRow] = ()
    rolls_back_url: str = ""
    rolls_back_title: str = ""
    again_url: str = ""
    events_url: str = ""
    region_url: str = ""
    pager: Pager | None = None
    report: Sequence["RollbackLine"] = ()
    cancel_requested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackLine:
    """One action of a run to be rolled back.

    ``fate`` before: restored, compensation, drifted, done, impossible. In the report after it: verified, unread, left,
    before, not_possible, failed.
    """

    title: str
    fate: str
    sentence: str
    changes: Sequence[FieldDiff] = ()
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPreview:
    """What rolling a run back would do. ``digest`` is posted back: only this preview is confirmed."""

    run: str
    run_url: str
    at: datetime
    digest: str
    confirm_url: str
    lines: Sequence[RollbackLine] = ()
    cost: Decimal | None = None
    currency: str = ""
    why_not: str = ""
    rollback_url: str = ""
    environment: str = "live"
    discard_url: str = ""

    @property
    def possible(self) -> int:
        """Return how many lines would have an effect."""
        return sum(line.fate in ("restored", "compensation") for line in self.lines)

    @property
    def groups(self) -> list[tuple[str, list[RollbackLine]]]:
        """Return the lines by fate, the hopeful first; fates without lines are left out."""
        fates = ("restored", "compensation", "drifted", "done", "impossible")
        found = [(fate, [line for line in self.lines if line.fate == fate]) for fate in fates]
        return [(fate, lines) for fate, lines in found if lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """One tool that an agent may use."""

    name: str
    title: str
    effect: str
    egress: bool
    idempotency: str
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent in a list."""

    name: str
    url: str
    goal: str
    version: str
    route: str
    tools: int
    runs: int
    last_run_at: datetime | None = None
    paused: bool = False
    demo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What the model calls of one day, agent, customer or run used; ``cost`` is that of the calls of known price."""

    label: str
    runs: int
    calls: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    currency: str
    unpriced: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What an agent's work of the last ``days`` cost and was worth; ``missing`` says which costs nobody knows."""

    days: int
    currency: str
    runs: int
    succeeded: int
    verified: int
    costs: Sequence[tuple[str, Decimal | None, str]]
    cost: Decimal
    per_success: Decimal | None
    value: Decimal | None
    margin: Decimal | None
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPage:
    """Everything on an agent's page."""

    row: AgentRow
    instructions: str
    tools: Sequence[ToolRow] = ()
    worth: Worth | None = None
    worth_url: str = ""
    effective_url: str = ""
    limits: Sequence[tuple[str, str]] = ()
    versions: Sequence[tuple[str, datetime, str]] = ()
    runs: Sequence[RunRow] = ()
    pauses: Sequence[PauseRow] = ()
    pause_url: str = ""
    new_run_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRow:
    """One part of an agent's configuration, whether an overlay removed it, and why something of one does not hold."""

    part: str
    value: str
    origin: str
    removed: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationPage:
    """What holds for a customer or a run; ``overlays`` are names, times and addresses of those that there are."""

    title: str
    back_url: str
    back: str
    note: str
    rows: Sequence[ConfigurationRow] = ()
    filters: Sequence[Filter] = ()
    clear_url: str = ""
    overlays: Sequence[tuple[str, datetime, str]] = ()
    pager: Pager | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One line of the ledger. ``seal`` is the number of the seal over it, or None while it is not sealed."""

    at: datetime
    actor: str
    verb: str
    subject: str
    subject_id: str
    digest: str
    subject_url: str = ""
    seal: int | None = None
    seal_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRow:
    """One seal. ``proof`` is signed, sealed (its key is not known here) or broken.

    ``witness`` is held, lacking, differs, unread, or nothing where there is no witness.
    """

    number: int
    at: datetime
    events: int
    root: str
    proof: str = "sealed"
    witness: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """One budget as it stands today; amounts are words with their unit."""

    whose: str
    scope: str
    period: str
    limit: str
    spent: str
    reserved: str
    left: str
    exhausted: bool
    holds: bool
    begins_anew_on: date | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """What a budget holds or held for one step; ``settled`` is None while the call is under way."""

    at: datetime
    run: str
    run_url: str
    step: int | None
    held: str
    settled: str | None
