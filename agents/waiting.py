"""Why a run stands still, in words: the console and the API say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.engine.workers import living_workers
from agents.models import Run
from agents.states import RunStatus, StepStatus
from approvals.models import Request
from approvals.states import RequestKind
from workspaces.models import Pause, User

OPEN_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence, empty while the run moves or is over, and the open requests that ``user`` may see.

    What is in doubt comes first, then the oldest.
    """

    sentence: str = ""
    requests: tuple[Request, ...] = ()


def why_it_waits(run: Run, user: User, pauses: Sequence[Pause]) -> Waiting:
    """Say why the run does not move; ``pauses`` are the live ones over it."""
    if run.is_terminal:
        return Waiting()
    if run.is_preview:
        return Waiting("Nothing is rolled back until somebody confirms the preview.")
    if pauses:
        return Waiting("It goes on when the pause is released.")
    if run.status == RunStatus.WAITING:
        return _for_people(run, user)
    return Waiting(_for_workers(run))


def _for_people(run: Run, user: User) -> Waiting:
    open_requests = Request.objects.open().filter(run_id=run.id)
    rows = open_requests.visible_to(user).only("id", "title", "kind", "opened_at").order_by("opened_at", "id")
    seen = sorted(rows[:OPEN_SHOWN], key=lambda request: request.kind != RequestKind.SETTLE)
    if seen:
        others = f" {len(seen)} requests are open." if len(seen) > 1 else ""
        return Waiting(f"A person must decide: {seen[0].title.rstrip('.')}.{others}", tuple(seen))
    if open_requests.exists():
        return Waiting("People must decide, in a queue that you cannot see.")
    standing = run.steps.filter(status=StepStatus.WAITING).exclude(awaits="").order_by("number")
    told = [f"{node}: {said}" for node, said in standing.values_list("node", "explanation")[:OPEN_SHOWN]]
    if told:
        return Waiting(" ".join(told))
    return Waiting(_for_workers(run) or "A worker takes it up again in a moment.")


def _for_workers(run: Run) -> str:
    """Say what a run that people do not hold up waits for: a time, or a worker."""
    step = run.steps.filter(status=StepStatus.READY).order_by("number").first()
    if step is None:
        return ""
    if step.explanation:
        return step.explanation
    return "" if living_workers().exists() else "No worker is running: start one, and the run goes on by itself."
