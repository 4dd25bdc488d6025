"""``make bench PEERS=1``: the peers' workloads, interleaved, with Countersign among them.

The scripts of the peers stand in ``../shared/bench/peers`` or where ``BENCH_PEERS`` says, their virtualenvs where
``BENCH_VENVS`` says (``setup_venvs.sh`` there makes them). A round runs every system once, one after the other; figures
are medians of the rounds. A database server of its own is started, as durable as PostgreSQL is by default.
"""

import importlib
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from bench.figures import figure
from config.services.running import services, var_folder

HERE = Path(__file__).resolve()
SCRIPTS = HERE.parents[3] / "shared" / "bench" / "peers"
NAME = "countersign"
BESIDE = ("floor-psycopg", "restate", "absurd", "langgraph", "dbos")
RUNS, ROUNDS = 2000, 3


class NoPeers(Exception):
    """The peers' scripts or virtualenvs are not there; the message says what to do."""


def measure() -> list[dict[str, Any]]:
    """Run W1 over all systems; return the figures."""
    runner = _runner()
    own = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")}
    with services(var_folder() / "bench-peers") as running:
        os.environ["BENCH_DSN"] = running.addresses["DATABASE_OWNER_URL"]
        rows = [row for number in range(ROUNDS) for row in _round(runner, number)]
    os.environ |= {name: value for name, value in own.items() if value}
    sys.stdout.write(runner.table(rows) + "\n")
    return _figures(rows)


def _runner() -> Any:
    """Return the peers' own runner, which knows of us from now on."""
    scripts = Path(os.environ.get("BENCH_PEERS", SCRIPTS))
    if not (scripts / "run_all.py").exists():
        raise NoPeers(f"there are no scripts of peers in {scripts}: name their folder with BENCH_PEERS.")
    os.environ["BENCH_PEERS"] = str(scripts)
    sys.path.insert(0, str(scripts))
    runner = importlib.import_module("run_all")
    venvs = Path(runner.C.venv_root())
    if not (venvs / "base").exists():
        raise NoPeers(f"there are no virtualenvs of peers in {venvs}: {scripts}/setup_venvs.sh makes them.")
    ours = venvs / NAME
    if not ours.exists():
        ours.symlink_to(sys.prefix, target_is_directory=True)
    runner.PEERS[NAME] = (NAME, str(HERE.parent / "us.py"), {})
    return runner


def _round(runner: Any, number: int) -> list[dict[str, Any]]:
    rows = []
    for peer in (*BESIDE, NAME):
        setting = runner.W1_SETTINGS.get(peer, [None])[0]
        row = {**runner.run(peer, "w1", RUNS, setting), "round": number}
        sys.stderr.write(f"# round {number} {peer}: {row.get('steps_per_s') or row.get('error')}\n")
        rows.append(row)
    return rows


def _figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the medians; a system that did not finish is left out, and we never are."""

    def median(peer: str, *path: str) -> float | None:
        found = [_at(row, path) for row in rows if row["peer"] == peer and "error" not in row]
        known = [value for value in found if value is not None]
        return statistics.median(known) if known else None

    speeds = {peer: speed for peer in BESIDE if (speed := median(peer, "steps_per_s")) is not None}
    ours = median(NAME, "steps_per_s")
    if ours is None:
        raise RuntimeError(f"countersign did not finish: {[row for row in rows if row['peer'] == NAME][-1]}")
    found = [figure("peers", f"W1, {RUNS:,} runs of 5 steps", ours, "steps/s", **speeds)]
    for name, unit in (
        ("write_xacts_per_step", "write transactions a step"),
        ("commits_per_step", "transactions a step"),
        ("wal_bytes_per_step", "bytes of log a step"),
    ):
        beside = {peer: value for peer in BESIDE if (value := median(peer, "pg", name)) is not None}
        own = median(NAME, "pg", name)
        found += [figure("peers", f"W1: {unit}", own, "1", **beside)] if own is not None else []
    return found


def _at(row: dict[str, Any], path: tuple[str, ...]) -> Any:
    for name in path:
        row = (row or {}).get(name)  # type: ignore[assignment]
    return row
