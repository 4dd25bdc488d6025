"""``make bench PEERS=1``: the peers' workloads, interleaved, with Countersign among them.

The scripts of the peers stand in ``../shared/bench/peers`` or where ``BENCH_PEERS`` says, their virtualenvs where
``BENCH_VENVS`` says (``setup_venvs.sh`` there makes them). A round runs every system once, one after the other; figures
are medians of the rounds. A database server of its own is started, as durable as PostgreSQL is by default. A part of
it: ``python -m bench.peers.run --workloads w2,crash --runs 100 --rounds 1 --peers langgraph``.
"""

import argparse
import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.peers.figures import figures_of
from bench.peers.growth import figures_of_growth
from config.services.running import services, var_folder

HERE = Path(__file__).resolve()
SCRIPTS = HERE.parents[3] / "shared" / "bench" / "peers"
NAME: Final = "countersign"
BESIDE: Final = {
    "w1": ("floor-psycopg", "restate", "absurd", "langgraph", "dbos"),
    "w2": ("restate", "absurd", "langgraph", "dbos"),
    "w3": ("floor-psycopg", "restate", "absurd", "langgraph", "dbos"),
    "crash": ("restate", "absurd", "langgraph", "dbos"),
}
RUNS: Final = {"w1": 2000, "w2": 1000, "w3": 500, "crash": 500}
ROUNDS: Final = 3


class NoPeers(Exception):
    """The peers' scripts or virtualenvs are not there; the message says what to do."""


@dataclass(frozen=True)
class Plan:
    """What is run: ``runs`` is for each workload its own number where it is 0; ``peers`` are those beside us."""

    workloads: tuple[str, ...] = tuple(BESIDE)
    runs: int = 0
    rounds: int = ROUNDS
    growth: bool = True
    peers: frozenset[str] = field(
        default_factory=lambda: frozenset(name for names in BESIDE.values() for name in names)
    )


def measure(plan: Plan | None = None) -> list[dict[str, Any]]:
    """Run the workloads over all systems; return the figures, and print the peers' own table."""
    plan = plan or Plan()
    runner = _runner()
    own = {name: os.environ.pop(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")}
    with services(var_folder() / "bench-peers") as running:
        os.environ["BENCH_DSN"] = running.addresses["DATABASE_OWNER_URL"]
        rows = [
            row
            for workload in plan.workloads
            for number in range(plan.rounds)
            for row in _round(runner, plan, workload, number)
        ]
        growth = _growth(runner, plan) if plan.growth else []
    os.environ |= {name: value for name, value in own.items() if value}
    sys.stdout.write(runner.table(rows) + "\n")
    return figures_of(rows) + growth


def _growth(runner: Any, plan: Plan) -> list[dict[str, Any]]:
    runs = plan.runs or RUNS["w1"]
    return figures_of_growth(lambda setting: dict(runner.run(NAME, "w1", runs, setting)), plan.rounds)


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


def _round(runner: Any, plan: Plan, workload: str, number: int) -> list[dict[str, Any]]:
    rows = []
    for peer in (*(peer for peer in BESIDE[workload] if peer in plan.peers), NAME):
        setting = runner.W1_SETTINGS.get(peer, [None])[0] if workload == "w1" else None
        runs = plan.runs or RUNS[workload]
        row = {"runs": runs, **runner.run(peer, workload, runs, setting), "round": number}
        sys.stderr.write(f"# {workload} round {number} {peer}: {_short(row)}\n")
        rows.append(row)
    return rows


def _short(row: dict[str, Any]) -> str:
    if "error" in row:
        return str(row["error"])[-400:]
    told = ("steps_per_s", "resume_one", "resume_all", "seconds", "seconds_from_kill_to_last_completion")
    return json.dumps({name: row[name] for name in told if name in row})


def main() -> None:
    """Run a part of it and print the figures as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", default=",".join(BESIDE))
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peers", default="", help="names by commas; nobody where it is empty")
    parser.add_argument("--growth", action="store_true", help="also W1 with 1, 2 and 4 workers")
    options = parser.parse_args()
    peers = frozenset(filter(None, options.peers.split(",")))
    workloads = tuple(filter(None, options.workloads.split(",")))
    plan = Plan(workloads, options.runs, options.rounds, options.growth, peers)
    for line in measure(plan):
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
