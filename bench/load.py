"""``load``: claims, sweep and decisions with millions of rows beside them, and on the empty database.

``make bench ONLY=load STEPS=10000000`` loads so many steps of finished runs (ten a run) and 100,000 runs that wait, for
people, signals, time and other runs, as copies of runs that were carried out. Everything is measured in this one
process, before and after.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

import redis
from django.conf import settings
from django.db import connection, transaction

from agents.engine.claims import claim_step
from agents.engine.drive import PERFORM, drive
from agents.engine.lane.taking import take
from agents.engine.sweep import sweep
from agents.engine.workers import heartbeat, stop_driving
from agents.models import Run
from agents.operations import NewTask, start_runs
from agents.tasks import backlog
from approvals.models import Request
from approvals.operations import Answer, decide
from approvals.states import DecisionKind
from audit.ledger.models import Event
from bench.figures import figure
from bench.peers.desk import QUEUE, Desk, make_desk
from bench.peers.workloads import ADD_ASKED, added
from bench.volume import analyse, multiply

STEPS: Final = 2_000_000
STEPS_IN_A_RUN: Final = 10
WAITING: Final = 20_000
SAMPLES: Final = 100
ROUNDS: Final = 40
"""Rounds of the sweep that are timed: so many that every portion of what waits is looked at."""
CHUNK: Final = 50_000
FORM: Final = {"type": "object", "properties": {"said": {"type": "string"}}}
ENDING: Final = {
    f"n{number}": {
        "kind": "code",
        "function": "same",
        "arguments": {"value": number},
        "next": f"n{number + 1}" if number < STEPS_IN_A_RUN else None,
    }
    for number in range(1, STEPS_IN_A_RUN + 1)
}
SIGNAL: Final = {"kind": "event", "name": "news", "key": {"$": "input.key"}}
WORKFLOWS: Final[dict[str, dict[str, Any]]] = {
    "ending": {"start": "n1", "nodes": ENDING},
    "asked": {"start": "a", "nodes": {"a": added(ADD_ASKED, 1, None)}},
    "form": {
        "start": "f",
        "nodes": {"f": {"kind": "person", "queue": QUEUE, "title": "Say something", "schema": FORM}},
    },
    "signal": {"start": "s", "nodes": {"s": SIGNAL}},
    "timer": {"start": "t", "nodes": {"t": {"kind": "wait", "for_seconds": 30 * 24 * 3600}}},
    "parent": {"start": "c", "nodes": {"c": {"kind": "child", "agent": "signal", "input": {"key": "of a child"}}}},
}
WAITERS: Final = ("asked", "form", "signal", "timer", "parent")
_numbers = count(1)


def measure(steps: int) -> list[dict[str, Any]]:
    """Return each figure with that of the empty database beside it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCH_SIDE_EFFECTS"] = str(Path(folder) / "lines")
        desk = make_desk("", WORKFLOWS)
        empty = _timed(desk)
        before = _held()
        fill(desk, steps)
        loaded = _timed(desk)
        after = _held()
    lines = [figure("load", name, value, "ms", empty=empty[name]) for name, value in loaded.items()]
    lines += [figure("load", name, value, unit, empty=before[name, unit]) for (name, unit), value in after.items()]
    return lines + [figure("load", f"rows: {name}", number, "1") for name, number in _counts().items()]


def fill(desk: Desk, steps: int) -> None:
    """Carry out one run of each kind, and repeat them."""
    ended = _rest(desk, "ending", 1)[0]
    for done in range(0, steps // STEPS_IN_A_RUN, CHUNK):
        now = min(CHUNK, steps // STEPS_IN_A_RUN - done)
        multiply([ended], now, apart=1, without={Event})
        sys.stderr.write(f"# loaded {(done + now) * STEPS_IN_A_RUN:,} of {steps:,} steps\n")
    for name in WAITERS:
        run = _rest(desk, name, 1)[0]
        _rest_children(run)
        multiply([run, *run.children.all()], WAITING // len(WAITERS), apart=0, without={Event})
    analyse()


def _begin(desk: Desk, name: str, number: int) -> list[Run]:
    numbers = [next(_numbers) for _ in range(number)]
    tasks = [NewTask(data={"run": one, "key": f"{name} {one}"}) for one in numbers]
    begun = start_runs(agent_id=desk.agents[name].id, tasks=tasks, by=desk.owner)
    return [Run.objects.get(pk=run_id) for run_id in begun]


def _rest(desk: Desk, name: str, number: int) -> list[Run]:
    """Begin runs and carry each as far as it goes now."""
    runs = _begin(desk, name, number)
    heartbeat()
    for run in runs:
        drive(run.id)
        run.refresh_from_db()
    return runs


def _rest_children(run: Run) -> None:
    for child in run.children.all():
        drive(child.id)


def _timed(desk: Desk) -> dict[str, float]:
    """Return p95 of everything in milliseconds, and the sweep's median."""
    lane, claims, resumes = _taken(desk), [], []
    for number, run in enumerate(_begin(desk, "asked", SAMPLES)):
        heartbeat()
        step = _clocked(claims, lambda run=run: claim_step(run.id))  # type: ignore[misc]
        PERFORM[step.kind](step)
        request = Request.objects.get(run_id=run.id)
        _clocked(resumes, lambda run=run, request=request: _resume(desk, run, request))  # type: ignore[misc]
        run.refresh_from_db()
        if run.status != "succeeded":
            raise SystemExit(f"bench: run {number} should have ended: it is {run.status}. {run.explanation}")
    rounds: list[float] = []
    for _ in range(ROUNDS):
        heartbeat()
        _clocked(rounds, lambda: sweep(lambda _run: None, backlog))
    return {
        "claiming a step: p95": _p95(claims),
        "taking a run onto the lane: p95": _p95(lane),
        "deciding and carrying the run to its end: p95": _p95(resumes),
        "a round of the sweep: median": statistics.median(rounds),
        "a round of the sweep: p95": _p95(rounds),
    }


def _resume(desk: Desk, run: Run, request: Request) -> None:
    answer = Answer(kind=DecisionKind.APPROVE, seen=request.evidence_digest)
    decide(request_id=request.id, answer=answer, by=desk.reviewer)
    drive(run.id)


def _taken(desk: Desk) -> list[float]:
    """Time taking one run, which is given back each time, so that there is always one to take."""
    took: list[float] = []
    _begin(desk, "ending", 1)
    heartbeat()
    for _ in range(SAMPLES):
        with transaction.atomic():
            carried = _clocked(took, lambda: take(1))
            transaction.set_rollback(True)
        stop_driving(one.run_id for one in carried)
    for run in Run.objects.filter(status="queued"):
        drive(run.id)
    return took


def _clocked(took: list[float], act: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = act()
    took.append((time.perf_counter() - began) * 1000)
    return found


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _held() -> dict[tuple[str, str], float]:
    """Return what all that waits holds outside of its rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'client%%'"
        )
        connections = cursor.fetchone()[0]
    broker = redis.Redis.from_url(settings.REDIS_URL)
    memory: Any = broker.info("memory")
    return {
        ("connections", "1"): connections,
        ("messages at the broker", "1"): backlog(),
        ("memory of the broker", "MB"): memory["used_memory"] / 2**20,
        ("resident memory of the sweeping process", "MB"): _resident(),
    }


def _resident() -> float:
    """Return this process's resident memory in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        found = {}
        for name in ("agents_run", "agents_step", "approvals_request", "tools_action"):
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - the names stand above
            found[name] = cursor.fetchone()[0]
    return found | {"waiting runs": Run.objects.filter(status="waiting").count()}
