"""Everything that a policy may look at when it judges one action.

The context is stored with the verdict (``as_json``) and the rules see exactly what was stored (``as_cel`` is made from
it), so that a backtest of other rules on an old verdict judges the same facts. All numbers are integers; money is in
minor units of the run's currency, and -1 where the spend is unknown: unknown is not zero.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from tools.provenance import Leaf, summarise
from workspaces.canonical import MAX_SAFE_INTEGER, sanitise

UNKNOWN_SPEND = -1
UNKNOWN = -1

Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
Percent = Annotated[int, Field(ge=UNKNOWN, le=100)]
_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, slots=True, config=_STRICT)
class ActionFacts:
    """The proposed call. ``effect`` is empty where nobody has described the tool; ``compensates`` says that the
    action carries out a recorded undo plan."""

    tool: str
    operation: str
    effect: str
    egress: bool
    idempotency: str
    connection: str
    environment: str
    has_undo: bool
    compensates: bool
    arguments: dict[str, Any]
    moves_money: bool = False


@dataclass(frozen=True, slots=True, config=_STRICT)
class LeafFacts:
    """One leaf of the arguments: its JSON pointer, and the labels of the sources that contain it."""

    path: str
    trusted: bool
    coincidence: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=_STRICT)
class ProvenanceFacts:
    """Where the arguments came from. ``untrusted_influence``: the proposing model call had seen untrusted content.
    ``planned``: tool and target were fixed before it had, or by the recorded undo plan."""

    all_trusted: bool
    any_coincidence: bool
    untrusted_influence: bool
    planned: bool
    leaves: tuple[LeafFacts, ...]

    @classmethod
    def of(cls, leaves: Sequence[Leaf], *, untrusted_influence: bool, planned: bool) -> Self:
        """Return the facts about traced ``leaves``."""
        summary = summarise(leaves)
        return cls(
            all_trusted=summary.all_trusted,
            any_coincidence=summary.any_coincidence,
            untrusted_influence=untrusted_influence,
            planned=planned,
            leaves=tuple(LeafFacts(leaf.path, leaf.trusted, leaf.coincidence, leaf.sources) for leaf in leaves),
        )


@dataclass(frozen=True, slots=True, config=_STRICT)
class AgentFacts:
    name: str
    version: Count


@dataclass(frozen=True, slots=True, config=_STRICT)
class RunFacts:
    """The run; ``environment`` is missing in facts that were stored when every run was live."""

    kind: str
    steps: Count
    spent_minor: Annotated[int, Field(ge=UNKNOWN_SPEND, le=MAX_SAFE_INTEGER)]
    currency: str
    labels: dict[str, str]
    environment: str = "live"


@dataclass(frozen=True, slots=True, config=_STRICT)
class SubjectFacts:
    """Whom or what the action is about, as the tool names it: (``customer``, ``C-17``); empty where nothing does."""

    kind: str
    ref: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class HistoryFacts:
    """Counts of *earlier* actions: of this tool within the hour and the day, of this same call (tool and arguments
    digest) within this run, and of those of this tool that are in doubt."""

    tool_hour: Count
    tool_day: Count
    run_same_call: Count
    in_doubt: Count


@dataclass(frozen=True, slots=True, config=_STRICT)
class ConfidenceFacts:
    """Whole percents, -1 where unknown: the agent's own word, and what was measured; see ``policies.confidence``."""

    stated: Percent = UNKNOWN
    computed: Percent = UNKNOWN
    match: Percent = UNKNOWN
    amount: Percent = UNKNOWN
    retrieval: Percent = UNKNOWN


@dataclass(frozen=True, slots=True, config=_STRICT)
class GateContext:
    """All the facts of one evaluation; ``reviewer`` holds the limits of the person deciding, empty while none is."""

    action: ActionFacts
    provenance: ProvenanceFacts
    agent: AgentFacts
    run: RunFacts
    subject: SubjectFacts
    history: HistoryFacts
    now: AwareDatetime
    reviewer: dict[str, int] = Field(default_factory=dict)
    confidence: ConfidenceFacts = Field(default_factory=ConfidenceFacts)

    def unstated(self) -> Self:
        """Return the same facts as if the agent had said nothing of itself."""
        return replace(self, confidence=replace(self.confidence, stated=UNKNOWN))

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object with a canonical form; times are ISO 8601 in UTC."""
        found: dict[str, Any] = _ADAPTER.dump_python(self)
        found["now"] = self.now.astimezone(UTC).isoformat()
        safe: dict[str, Any] = sanitise(found)
        return safe

    def as_cel(self) -> dict[str, Any]:
        """Return the value of each of ``cel.VARIABLES``, by its dotted name."""
        facts = self.as_json()
        values: dict[str, Any] = {"now": datetime.fromisoformat(facts.pop("now")), "reviewer": facts.pop("reviewer")}
        for section, fields in facts.items():
            values |= {f"{section}.{name}": value for name, value in fields.items()}
        return values

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "GateContext":
        """Return the context that ``as_json`` stored; raise pydantic's ``ValidationError`` where it is not one."""
        return _ADAPTER.validate_json(json.dumps(stored))


_ADAPTER = TypeAdapter(GateContext)
