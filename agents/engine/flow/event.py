"""An ``event`` node: waits for a signal of a name and a key, which somebody sends over the API.

A signal reaches every step that was waiting for it when it came; one that nobody waits for is kept for a week, and the
first step that begins to wait takes it. A step takes one. Only a signal of somebody who may give tasks to the agent is
taken, and only with a payload that fits the node's schema. Whoever sent it has had a part in what follows. A simulated
run hears what comes while it waits, and takes nothing away from the others.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from agents.engine.flow.around import Given
from agents.engine.flow.places import Place, conclude, fail, of_node
from agents.engine.flow.timing import now_by_database, sleep
from agents.engine.outcomes import lock_run
from agents.models import Agent, Run, RunSignal, Step
from agents.states import StepStatus
from agents.workflows.values import Failed
from tools.schemas import problems_of
from workspaces.database import ClockTimestamp

KEPT: Final = timedelta(days=7)
MAX_KEY: Final = 200
MOST: Final = 50


def address(name: str, key: str) -> str:
    """Return what a step that waits for the signal ``awaits``."""
    return f"signal:{name}:{key}"


@of_node
def perform(place: Place) -> Given | None:
    """Take a signal that is here, give up where the time is over, else wait for one."""
    key, deadline = _key(place), _deadline(place)
    with transaction.atomic():
        alone_with(place.run.workspace_id, address(place.node.name, key))
        if any(_is_usable(place, signal) and _take(place, signal) for signal in _eligible(place, key)[:MOST]):
            return None
        if deadline is None or deadline > now_by_database():
            _wait(place, key, deadline)
            return None
    way = "on_timeout" if place.node.on_timeout else ""
    fail(place, f"No signal {place.node.name} came in {place.node.timeout_seconds:,} seconds.", way=way)
    return None


def alone_with(workspace_id: UUID, awaits: str) -> None:
    """Let nobody else look for, or send, signals of this address until the transaction ends.

    So a signal finds a step that begins to wait at the same moment, or is found by it. Taken before runs are locked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7246002))", [f"{workspace_id}:{awaits}"])


def _wait(place: Place, key: str, deadline: datetime | None) -> None:
    kept = {"key": key, **({"deadline": deadline.isoformat()} if deadline else {})}
    told = f"It waits for the signal {place.node.name}{f' with the key {key}' if key else ''}."
    sleep(place.step, deadline, explanation=told, awaits=address(place.node.name, key), kept=kept)


def _key(place: Place) -> str:
    if "key" in place.step.input:
        return str(place.step.input["key"])
    value, _ = place.resolve(place.node.key)
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_KEY:
        raise Failed(f"The key of a signal is a text or a whole number of at most {MAX_KEY} characters.")
    return str(value)


def _deadline(place: Place) -> datetime | None:
    if place.node.timeout_seconds is None:
        return None
    known = place.step.input.get("deadline")
    if known:
        return datetime.fromisoformat(known)
    return now_by_database() + timedelta(seconds=place.node.timeout_seconds)


def _eligible(place: Place, key: str) -> Any:
    """Return the signals that this step may take, the oldest first."""
    run = place.run
    here = RunSignal.objects.filter(
        workspace_id=run.workspace_id, environment=run.environment, name=place.node.name, key=key
    )
    kept = Q(taken_at=None, received_at__gt=ClockTimestamp() - KEPT)
    since = Q(received_at__gte=place.step.started_at)
    found = here.filter(since if run.is_simulated else kept | since)
    return found.select_related("sent_by").order_by("received_at")


def _is_usable(place: Place, signal: RunSignal) -> bool:
    may = Agent.objects.startable_by(signal.sent_by).filter(pk=place.run.agent_id).exists()
    return may and not problems_of(signal.payload, place.node.payload)


def _take(place: Place, signal: RunSignal) -> bool:
    """End the step with the signal's payload; return False where another step took it first, and it is gone."""
    came_later = place.step.started_at is not None and signal.received_at >= place.step.started_at
    with transaction.atomic():
        run = lock_run(place.step)
        if not run.is_simulated:
            first = RunSignal.objects.filter(pk=signal.pk, taken_at=None).update(taken_at=ClockTimestamp())
            if not first and not came_later:
                return False
        causes = sorted({*run.causes, *(UUID(person) for person in signal.sent_by.cause_ids())})
        if causes != sorted(run.causes):
            Run.objects.filter(pk=run.pk).update(causes=causes)
        conclude(place, Given(signal.payload, trusted=False))
    return True


def waiting_for(signal: RunSignal) -> list[Step]:
    """Return the steps that wait for the signal and whose agents its sender may give tasks to."""
    found = Step.objects.filter(
        workspace_id=signal.workspace_id,
        awaits=address(signal.name, signal.key),
        status=StepStatus.WAITING,
        run__environment=signal.environment,
        run__agent__in=Agent.objects.startable_by(signal.sent_by),
    )
    return list(found.select_related("run").order_by("created_at"))


def forget_signals() -> int:
    """Delete signals older than a week; return how many."""
    return RunSignal.objects.filter(received_at__lt=ClockTimestamp() - KEPT).delete()[0]
