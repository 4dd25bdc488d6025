"""Runs as the lists show them: one query for each kind of fact, however many rows there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.utils import timezone

from agents.models import Run
from approvals.models import Request
from tools.models import Action, UsageRecord
from tools.states import ActionStatus, Effect
from workspaces.console.links import run_url
from workspaces.console.run_shapes import RunRow
from workspaces.models import Pause, User

CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Used:
    """What model calls used together; ``cost`` is None where one of them has no known price."""

    cost: Decimal | None = Decimal(0)
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """How many effects a run had outside, how many of them a compensation has undone, how many one still can."""

    count: int = 0
    undone: int = 0
    left: int = 0

    @property
    def rolled_back(self) -> str:
        """Return "fully", "partly", or nothing."""
        return ("fully" if self.undone == self.count else "partly") if self.undone else ""

    @property
    def worth_a_rollback(self) -> bool:
        """Tell whether to offer one: not after all that can be undone has been; before that, a preview says why not."""
        return bool(self.left or (self.count and not self.undone))


@dataclass
class RunFacts:
    """What the rows of other tables say about some runs, by run id."""

    used: dict[UUID, Used] = field(default_factory=dict)
    effects: dict[UUID, Effects] = field(default_factory=dict)
    waiting: dict[UUID, int] = field(default_factory=dict)
    paused: set[UUID] = field(default_factory=set)


def facts_of(runs: Sequence[Run], user: User) -> RunFacts:
    """Return cost, effects, live pauses, and the open requests that ``user`` may see, of these runs."""
    ids = [run.id for run in runs]
    return RunFacts(used_by(ids), effects_of(ids), _waiting(ids, user), _paused(runs))


def rows_of(runs: Sequence[Run], user: User) -> list[RunRow]:
    """Return runs (with their agents selected) as rows."""
    facts = facts_of(runs, user)
    return [row_of(run, facts) for run in runs]


def row_of(run: Run, facts: RunFacts) -> RunRow:
    """Return one run as a row."""
    waiting = facts.waiting.get(run.id, 0)
    ended = run.finished_at or (timezone.now() if run.started_at else None)
    return RunRow(
        id=str(run.id),
        url=run_url(run.id),
        title=run.title,
        agent=run.agent.title,
        status=run.status,
        at=run.created_at,
        kind=run.kind,
        mode=run.mode,
        environment=run.environment,
        steps=run.steps_used,
        took=ended - run.started_at if ended and run.started_at else None,
        cost=facts.used.get(run.id, Used()).cost,
        currency=CURRENCY,
        paused=run.id in facts.paused and not run.is_terminal,
        rolled_back=facts.effects.get(run.id, Effects()).rolled_back,
        waits_for=f"{waiting} request{'s' if waiting > 1 else ''}" if waiting else _unconfirmed(run),
    )


def _unconfirmed(run: Run) -> str:
    return "confirmation" if run.is_preview else ""


def used_by(run_ids: Iterable[UUID]) -> dict[UUID, Used]:
    """Return what the model calls of each run used."""
    sums = (
        UsageRecord.objects.filter(run_id__in=list(run_ids))
        .values("run_id")
        .annotate(
            known=Sum("cost"),
            unpriced=Count("id", filter=Q(cost=None)),
            read=Sum("input_tokens", default=0),
            wrote=Sum("output_tokens", default=0),
        )
    )
    return {row["run_id"]: Used(None if row["unpriced"] else row["known"], row["read"], row["wrote"]) for row in sums}


def _waiting(run_ids: Iterable[UUID], user: User) -> dict[UUID, int]:
    found = Request.objects.visible_to(user).open().filter(run_id__in=list(run_ids))
    return dict(found.values_list("run_id").annotate(count=Count("id")))


def effects_of(run_ids: Iterable[UUID]) -> dict[UUID, Effects]:
    """Return how much each run changed outside; undoing counts only when it succeeded itself."""
    undone = Action.objects.filter(compensates_id=OuterRef("pk"), status=ActionStatus.SUCCEEDED)
    undoable = Q(~Exists(undone), status=ActionStatus.SUCCEEDED, undo_plan__isnull=False)
    sums = (
        Action.objects.filter(run_id__in=list(run_ids), status__in=[ActionStatus.SUCCEEDED, ActionStatus.IN_DOUBT])
        .filter(compensates=None)
        .exclude(effect=Effect.READ)
        .values("run_id")
        .annotate(effects=Count("id"), undone=Count("id", filter=Exists(undone)), left=Count("id", filter=undoable))
    )
    return {row["run_id"]: Effects(row["effects"], row["undone"], row["left"]) for row in sums}


def _paused(runs: Sequence[Run]) -> set[UUID]:
    """Return the runs that a live pause covers; some pauses let rollbacks go on."""
    scopes = {scope for run in runs for scope in run.scopes}
    over = dict(Pause.objects.over(list(scopes)).values_list("scope_id", "allows_repair"))
    return {
        run.id for run in runs if any(scope in over and not (run.is_repair and over[scope]) for scope in run.scopes)
    }
