"""``story``: the classic ticket through the real engine, from the text to the read-back, beside a raw PostgreSQL floor.

One thread starts a run, drives it, lets a reviewer approve the change and the mail, and drives it to its end: demo
planner, CRM, mail server and broker included. The floor is psycopg with one INSERT, one UPDATE and one commit a step,
in the same database, for as many steps, in turns with the story.
"""

import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

from agents.engine.drive import drive
from agents.models import Run, Step
from agents.operations import start_run
from bench.figures import figure

ROUNDS = 3
PAYLOAD = json.dumps({"text": "x" * 1000})
TABLES = """
CREATE TABLE IF NOT EXISTS bench_run (id bigint PRIMARY KEY, cursor int NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS bench_step (run_id bigint, n int, result jsonb NOT NULL, PRIMARY KEY (run_id, n));
"""


@dataclass
class Round:
    """What one round did, and how long it took."""

    runs: int
    steps: int
    seconds: float
    statements: int
    commits: int
    floor_seconds: float


def measure(office: Any, runs: int) -> list[dict[str, Any]]:
    """Return the medians of three rounds, after one run that warms everything up."""
    _one(office)
    done = [_round(office, max(1, runs // ROUNDS), number) for number in range(ROUNDS)]
    steps = [one.steps / one.seconds for one in done]
    floor = [one.steps / one.floor_seconds for one in done]
    share = [own / raw for own, raw in zip(steps, floor, strict=True)]
    return [
        figure("story", "runs", _middle([one.runs / one.seconds for one in done]), "1/s"),
        figure("story", "steps", _middle(steps), "1/s", raw_psycopg=_middle(floor)),
        figure(
            "story", "steps as a share of the raw floor", _middle(share), "1", lowest=min(share), highest=max(share)
        ),
        figure("story", "steps in a run", _middle([one.steps / one.runs for one in done]), "1"),
        figure(
            "story", "statements in a step", _middle([one.statements / one.steps for one in done]), "1", raw_psycopg=2
        ),
        figure(
            "story",
            "commits in a step, reads outside of transactions included",
            _middle([one.commits / one.steps for one in done]),
            "1",
            raw_psycopg=1,
        ),
    ]


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def _round(office: Any, runs: int, number: int) -> Round:
    counted = _Statements()
    steps, commits = Step.objects.count(), _commits()
    with connection.execute_wrapper(counted):
        began = time.perf_counter()
        for _ in range(runs):
            _one(office)
        seconds = time.perf_counter() - began
    made = Step.objects.count() - steps
    spent = _commits() - commits
    return Round(runs, made, seconds, counted.number, spent, _floor(made, number))


def _one(office: Any) -> None:
    """Play one ticket to its end, with a customer of its own so that nothing is a repeat."""
    customer = office.crm.anybody("standard")
    run = start_run(
        agent_id=office.desk.agent.id, text=f"Please upgrade {customer['email']} to tier gold.", by=office.cast.owner
    )
    _drive(run)
    for tool in ("crm.customer.update", "mail.reply"):
        office.answer(office.request_for(run, tool))
    _drive(run)
    run.refresh_from_db()
    if run.status != "succeeded":
        raise SystemExit(f"bench: a run ended as {run.status}: {run.explanation}")
    office.crm.change(customer["id"], tier="standard")


def _drive(run: Run) -> None:
    while drive(run.id):
        pass


class _Statements:
    """Counts what goes to the database through Django's connection."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Any, *arguments: Any) -> Any:
        self.number += 1
        return execute(*arguments)


def _commits() -> int:
    """Return the commits of this database so far; PostgreSQL counts them when a session rests or is told to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    connection.close()
    time.sleep(1.2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _floor(steps: int, number: int) -> float:
    """Return the seconds that raw psycopg takes for as many steps, one commit each, on one connection."""
    with psycopg.connect(_address()) as raw:
        raw.execute(TABLES)
        raw.execute("INSERT INTO bench_run (id) VALUES (%s)", [number])
        raw.commit()
        began = time.perf_counter()
        for n in range(steps):
            raw.execute("INSERT INTO bench_step VALUES (%s, %s, %s)", [number, n, PAYLOAD])
            raw.execute("UPDATE bench_run SET cursor = %s WHERE id = %s", [n, number])
            raw.commit()
        return time.perf_counter() - began


def _address() -> str:
    known = connection.get_connection_params()
    parts = {name: known[name] for name in ("dbname", "host", "port", "user", "password") if known.get(name)}
    return psycopg.conninfo.make_conninfo(**parts)
