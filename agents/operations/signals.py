"""Signals: what somebody outside tells the runs that wait for it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction

from agents.engine.flow.event import address, alone_with, waiting_for
from agents.engine.flow.state import workflow_of
from agents.engine.flow.timing import wake_waiting
from agents.models import Agent, RunSignal, Step
from agents.tasks import enqueue_on_commit
from agents.workflows.nodes import Event
from tools.models import Environment
from tools.schemas import Problem, problems_of
from workspaces.canonical import digest, sanitise
from workspaces.database import ClockTimestamp
from workspaces.errors import Forbidden, InvalidInput, StaleState, TooLarge
from workspaces.ids import uuid7
from workspaces.models import User, Workspace
from workspaces.operations.authority import note

MAX_PAYLOAD_BYTES: Final = 256_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal, and how many waiting runs it was told to; none: it is kept for a week."""

    signal: RunSignal
    delivered_to: int

    @property
    def status(self) -> str:
        """Whether somebody waited for it."""
        return "delivered" if self.delivered_to or self.signal.taken_at else "kept"


def send_signal(
    *,
    workspace: Workspace,
    name: str,
    by: User,
    key: str = "",
    payload: Any = None,
    sent_id: str = "",
    environment: str = Environment.LIVE,
) -> Sent:
    """Tell every run that waits for this name and key; sent again with the same id, nothing happens anew.

    It reaches runs of agents to which the sender may give tasks. Raise ``Forbidden``, ``InvalidInput`` for a payload
    that fits none that wait, ``StaleState`` for an id of another one, ``TooLarge``.
    """
    if not Agent.objects.startable_by(by).filter(workspace=workspace).exists():
        raise Forbidden("You may not signal runs here.", "Ask an owner for the right to give tasks to an agent.")
    kept = _checked(payload)
    said = {"environment": environment, "name": name, "key": key, "payload": kept, "digest": digest([key, kept])}
    signal = RunSignal(workspace=workspace, sent_by=by, sent_id=sent_id or str(uuid7()), **said)
    with transaction.atomic():
        alone_with(workspace.id, address(name, key))
        before = _earlier(signal)
        return Sent(before, 0) if before is not None else _store(signal, _fitting(signal), by)


def _checked(payload: Any) -> Any:
    kept = sanitise(payload)
    if len(json.dumps(kept, ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES:
        raise TooLarge(f"A payload may have at most {MAX_PAYLOAD_BYTES // 1000} kB.", "Send less.")
    return kept


def _earlier(signal: RunSignal) -> RunSignal | None:
    """Return the signal that was sent with this id before; raise ``StaleState`` where it said something else."""
    same = RunSignal.objects.filter(
        workspace_id=signal.workspace_id, environment=signal.environment, name=signal.name, sent_id=signal.sent_id
    )
    found = same.first()
    if found is not None and found.digest != signal.digest:
        raise StaleState("This id was used for another signal.", "Give each signal an id of its own.")
    return found


def _fitting(signal: RunSignal) -> list[Step]:
    """Return the steps that wait for the signal and take its payload; raise ``InvalidInput`` where all refuse it.

    Simulated runs hear it like the others, but what they refuse, or take, is nothing to whoever sent it.
    """
    steps = waiting_for(signal)
    refused = {step.id: problems for step in steps if (problems := _problems(step, signal.payload))}
    live = [step for step in steps if not step.run.is_simulated]
    if live and all(step.id in refused for step in live):
        said = [f"{one.path}: {one.sentence}" for one in refused[live[0].id]]
        raise InvalidInput(
            f"The payload does not fit what the run that waits for it takes. {said[0]}",
            "Correct what is named and send it again: the run goes on waiting.",
            {"payload": said},
        )
    return [step for step in steps if step.id not in refused]


def _problems(step: Step, payload: Any) -> list[Problem]:
    node = workflow_of(step.run.version_id).node(step.node)
    return problems_of(payload, node.payload) if isinstance(node, Event) else []


def _store(signal: RunSignal, steps: list[Step], by: User) -> Sent:
    try:
        with transaction.atomic():
            signal.received_at = ClockTimestamp()
            signal.save(force_insert=True)
    except IntegrityError:  # the same id was sent at the same moment with another key
        found = _earlier(signal)
        if found is None:
            raise
        return Sent(found, 0)
    signal.refresh_from_db(fields=["received_at"])
    said = {"name": signal.name, "environment": signal.environment}
    note(signal.workspace_id, by, "signal.received", ("signal", signal.id), **said)
    woken = [step.run for step in steps if wake_waiting(step.id, awaits=step.awaits) is not None]
    for run in woken:
        enqueue_on_commit(run.id)
    return Sent(signal, sum(not run.is_simulated for run in woken))
