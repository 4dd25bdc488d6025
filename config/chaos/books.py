"""The books: what the outside systems wrote down, beside what the rows and the ledger say. Nothing here is believed.

An action is *lost* where its record and the outside disagree, or where it stands still without anybody being asked; a
run is, where it is neither over nor waits for an answer that somebody can see in the inbox. An effect is *duplicated*
for each time beyond the first.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from uuid import UUID

from agents.models import Run
from agents.states import RunStatus
from approvals.models import Request
from approvals.states import RequestKind, RequestStatus
from audit.ledger.models import Event
from audit.ledger.sealing import seal_all
from audit.ledger.verification import verify
from config.chaos.outside import Effects
from config.chaos.stage import ticket
from tools.models import Action
from tools.states import ACTION_TERMINAL, ActionStatus, Effect

OVER: Final = frozenset({RunStatus.SUCCEEDED, RunStatus.CANCELLED})
"""How a run may end here: nobody asked for a failure."""
MEANT: Final = frozenset({
    ActionStatus.SUCCEEDED, ActionStatus.REJECTED, ActionStatus.SUPERSEDED, ActionStatus.IN_DOUBT,
})  # fmt: skip
"""How an action may end in a run that nobody cancelled."""


@dataclass
class Books:
    """The figures, and a sentence for each thing that does not add up."""

    runs: int
    completed: int = 0
    lost: int = 0
    duplicated_effects: int = 0
    in_doubt: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """What is printed last, without the kills."""
        return {name: value for name, value in asdict(self).items() if name != "problems"}

    @property
    def add_up(self) -> bool:
        """Whether nothing is lost, doubled, or in a state that nobody knows of."""
        return not self.problems and self.completed + self.in_doubt == self.runs

    def check_run(self, number: int, effects: Effects) -> None:
        """Look at the run of one ticket and all its actions."""
        runs = list(Run.objects.filter(input__text=ticket(number)))
        wrong = [] if len(runs) == 1 else [f"ticket {number} has {len(runs)} runs"]
        doubts = 0
        for run in runs:
            actions = list(Action.objects.filter(run_id=run.id).exclude(effect=Effect.READ))
            wrong += [problem for action in actions for problem in self._wrong(run, action, effects)]
            doubts += sum(action.status == ActionStatus.IN_DOUBT for action in actions)
            if run.status not in OVER and not doubts:
                wrong.append(f"run {run.id} is {run.status}: {run.explanation or 'it stands still'}")
        self.problems += wrong
        self.lost += bool(wrong)
        self.in_doubt += not wrong and bool(doubts)
        self.completed += not wrong and not doubts

    def _wrong(self, run: Run, action: Action, effects: Effects) -> list[str]:
        name, times = f"action {action.id} ({action.status})", effects.of(action.idempotency_key)
        found = []
        if times > 1:
            self.duplicated_effects += times - 1
            found.append(f"{name} happened {times} times")
        if times and action.status not in {ActionStatus.SUCCEEDED, ActionStatus.IN_DOUBT}:
            found.append(f"{name} happened, which its record denies")
        if not times and action.status == ActionStatus.SUCCEEDED:
            found.append(f"{name} never happened")
        if action.status == ActionStatus.IN_DOUBT and not _asked(action.id):
            found.append(f"{name} is a doubt that nobody is asked about")
        if action.status not in MEANT and not (run.status == RunStatus.CANCELLED and action.status in ACTION_TERMINAL):
            found.append(f"{name} was not meant to end so: {action.explanation}")
        return found

    def check_ledger(self, workspace_id: UUID) -> int:
        """Seal and verify the ledger, and compare it with the rows; return the number of its events."""
        seal_all()
        report = verify(workspace_id)
        events = Event.objects.filter(workspace_id=workspace_id)
        told = Counter(events.filter(verb="action.succeeded").values_list("subject_id", flat=True))
        rows = Action.objects.filter(status=ActionStatus.SUCCEEDED).values_list("id", flat=True)
        wrong = list(report.problems)
        wrong += [f"the ledger says {n} times that action {a} succeeded" for a, n in told.items() if n != 1]
        wrong += [f"the ledger does not know that action {a} succeeded" for a in {str(a) for a in rows} - set(told)]
        self.problems += wrong
        self.lost += len(wrong)
        return events.count()


def _asked(action_id: UUID) -> bool:
    open_requests = Request.objects.filter(action_id=action_id, kind=RequestKind.SETTLE, status=RequestStatus.OPEN)
    return open_requests.exists()
