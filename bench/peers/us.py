"""Countersign's driver for the peers' workloads: run as ``us.py w1|w2|w3|crash``, with their own options.

Runs begin through the application's own operation for many runs at once, people decide through its own decision, and
workers are Celery's, as deployed. What is measured is the whole of it: permissions, clearances, the ledger's events,
live updates. Effects go to the file as actions of a ``conditional`` tool; model calls through a model route.
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [os.environ["BENCH_PEERS"], str(ROOT)]

import common  # type: ignore[import-not-found]  # noqa: E402 - the peers' folder
import driver  # type: ignore[import-not-found]  # noqa: E402

from bench.peers.counting import told  # noqa: E402

PORTION = 100
"""Runs begun by one operation."""
RUNS = {"w1": 200, "w2": 1000, "w3": 500, "crash": 500}
STEPS = {"w1": 5, "w2": 6, "w3": 3, "crash": 5}
"""Steps of a run; those of w2 are the peers' four, the code before the pause, and the action that waits."""
PEOPLE = 8
"""Decisions at once, where many are made; the peers have as many clients."""


class Client:
    """Gives tasks and decides as an integration would, in this process."""

    def __init__(self, peer: "Countersign", work: str) -> None:
        self.peer, self.work = peer, work
        self.threads, self.people = driver.Threads(2), driver.Threads(PEOPLE)

    def submit(self, kind: str, ids: list[int]) -> None:
        """Begin a run for each id."""
        portions = [ids[at : at + PORTION] for at in range(0, len(ids), PORTION)]
        self.threads.map(lambda portion: self.peer.begin(self.work, portion), portions)

    def resume(self, number: int) -> None:
        """Approve what a run waits for."""
        self.peer.approve(number)

    def resume_all(self, ids: list[int]) -> None:
        """Approve what each run waits for."""
        self.people.map(self.resume, ids)

    def close(self) -> None:
        """Nothing is held."""


class Countersign(driver.Peer):  # type: ignore[misc]  # untyped, from the peers' folder
    """The peer that this repository is."""

    name = "countersign"
    version = "0.1.0"
    script = str(Path(__file__).resolve())
    settings = {
        "2proc": {"procs": 2},
        "1proc": {"procs": 1},
        "4proc": {"procs": 4},
        "2proc-c250": {"procs": 2, "threads": 250},
        "2proc-effects": {"procs": 2, "work": "crash"},
    }
    meter: Any = None
    pg: Any = None
    w3_setting = "2proc-c250"
    crash_setting = "2proc-effects"

    def setup(self, dsn: str) -> None:
        """Migrate, and make a workspace with an agent for each workload."""
        self.runs: dict[int, UUID] = {}
        self.asked: dict[UUID, tuple[UUID, str]] = {}
        self.valkey = subprocess.Popen(  # noqa: S603 - our own program
            [base_python(), os.path.join(common.HERE, "serve_valkey.py")],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        url = self.valkey.stdout.readline().split()[0]
        os.environ |= environment(dsn, url)
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
        import django

        django.setup()
        from bench.peers.desk import make_desk

        self.desk = make_desk(f"http://127.0.0.1:{common.LLM_PORT}/v1" if common.LLM_PORT else "")

    def begin(self, work: str, ids: list[int]) -> None:
        """Begin runs, in one operation."""
        from django.db import connection

        from agents.operations import NewTask, start_runs

        tasks = [NewTask(data=common.payload(number, 0)) for number in ids]
        begun = start_runs(agent_id=self.desk.agents[work].id, tasks=tasks, by=self.desk.owner)
        self.runs |= dict(zip(ids, begun, strict=True))
        connection.close()

    def approve(self, number: int) -> None:
        """Approve the request of a run, on the evidence that was shown."""
        from django.db import connection

        from approvals.operations import Answer, decide
        from approvals.states import DecisionKind

        request, seen = self.asked[self.runs[number]]
        decide(request_id=request, answer=Answer(kind=DecisionKind.APPROVE, seen=seen), by=self.desk.reviewer)
        connection.close()

    def wait_waiting(self, most: int, timeout: float) -> tuple[float, int]:
        """Wait until so many runs wait for a person; then read the inbox, as people have by the time they decide."""
        found: tuple[float, int] = super().wait_waiting(most, timeout)
        from approvals.models import Request

        rows = Request.objects.open().values_list("run_id", "id", "evidence_digest")
        self.asked = {run: (request, seen) for run, request, seen in rows}
        return found

    def teardown(self) -> None:
        """End the broker, and keep what was written meanwhile."""
        if self.meter is not None:
            self.pg = self.meter.stop(self.runs_in_all * self.steps, self.runs_in_all)
        self.valkey.stdin.close()
        self.valkey.wait(10)

    def server_procs(self) -> list[Any]:
        """Return the broker."""
        return [self.valkey]

    def workers(self, kind: str, setting: dict[str, Any]) -> list[Any]:
        """Start Celery workers, and return when they take work."""
        ready = common.tmpfile("ready")
        own = {"BENCH_READY": ready, "PYTHONPATH": str(ROOT), "WORKER_CONCURRENCY": str(setting.get("threads", 8))}
        own["BENCH_COUNTS"] = self.counts
        started = [
            common.spawn([sys.executable, "-m", "bench.peers.worker", f"w{number}"], own, cwd=str(ROOT))
            for number in range(setting["procs"])
        ]
        if common.wait_for_file_lines(ready, len(started), 60) < len(started):
            raise RuntimeError("a worker did not come up: " + Path(started[0].log_name).read_text()[-2000:])
        self.back = time.perf_counter()
        return started

    def client(self, kind: str, setting: dict[str, Any]) -> Client:
        """Return what gives tasks and decides; from here on what the database writes is metered."""
        if kind != "w1" or "work" in setting:  # the peers' driver meters w1 itself
            self.meter = common.PgMeter(self.dsn)
            self.meter.start()
        return Client(self, setting.get("work", kind))

    def make_poller(self, kind: str, meter: Any) -> Any:
        """Return what sees that runs are over; it keeps when it saw the last one."""
        self.poller = Poller(self.dsn, self.done_sql(kind), meter)
        return self.poller

    def done_sql(self, kind: str) -> str:
        """Return how to count the runs that are over."""
        return "select count(*) from agents_run where status = 'succeeded'"

    def done_one_sql(self, kind: str) -> str:
        """Return how to see that one run is over."""
        return "select status = 'succeeded' from agents_run where id = %s"

    def waiting_sql(self) -> str:
        """Return how to count the runs that wait."""
        return "select count(*) from agents_run where status = 'waiting'"

    def rid(self, number: int) -> str:
        """Return a run's id in the database."""
        return str(self.runs[number])


class Poller(common.Poller):  # type: ignore[misc]  # untyped, from the peers' folder
    """Keeps when it saw the last run."""

    over = 0.0

    def wait(self, n: int, timeout: float = 170) -> tuple[float, int]:
        """Wait until so many runs are over."""
        found: tuple[float, int] = super().wait(n, timeout)
        self.over = found[0]
        return found


def base_python() -> str:
    """Return the interpreter of the peers' base environment, or our own."""
    base = Path(common.venv_root()) / "base" / "bin" / "python"
    return str(base) if base.exists() else sys.executable


def environment(dsn: str, broker: str) -> dict[str, str]:
    """Return the settings of an installation of its own."""
    import base64

    key = base64.b64encode(os.urandom(32)).decode()
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": dsn,
        "REDIS_URL": broker,
        "SECRET_KEY": key,
        "ENCRYPTION_KEYS": f"bench:{key}",
        "LEDGER_SIGNING_KEY": key,
        "LEDGER_WITNESS_FILE": os.devnull,
        "WORKFLOW_FUNCTIONS": "bench.peers.steps.STEP",
        "OUTBOUND_ALLOWED": f"127.0.0.1:{common.LLM_PORT}",
        "LOG_LEVEL": "WARNING",
        "HTTPS_ONLY": "0",
        "ALLOWED_HOSTS": "localhost",
    }


def answering() -> Any:
    """Start the model that streams its answers, and let the workloads find it where theirs would be."""
    port = common.free_port()
    program = [base_python(), str(Path(__file__).with_name("model.py")), str(port), "400"]
    started = common.spawn(program)
    os.environ["BENCH_LLM_PORT"] = str(port)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return started
        time.sleep(0.05)
    raise RuntimeError("the model did not come up: " + Path(started.log_name).read_text()[-2000:])


def main() -> None:
    """Run one workload and print its line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["w1", "w2", "w3", "crash"])
    parser.add_argument("--runs", type=int)
    parser.add_argument("--setting")
    options = parser.parse_args()
    common.term_exits()
    common.base_dsn()
    peer = Countersign()
    what, setting = options.what, options.setting
    peer.runs_in_all, peer.steps = options.runs or RUNS[what], STEPS[what]
    peer.counts = tempfile.mkdtemp(prefix="bench-counts-")
    row = measured(peer, what, setting)
    row["pg"] = row.get("pg") or peer.pg
    if what != "crash":  # who is killed tells nothing
        row["statements_per_step"] = round(told(peer.counts) / (peer.runs_in_all * peer.steps), 2)
    shutil.rmtree(peer.counts)
    common.emit(row)


def measured(peer: Countersign, what: str, setting: str | None) -> dict[str, Any]:
    """Run one workload by the peers' driver, and return its row."""
    runs, steps = peer.runs_in_all, peer.steps
    if what == "w1":
        return dict(driver.w1(peer, runs, steps, setting or "2proc"))
    if what == "w2":
        return dict(driver.w2(peer, runs, setting or "2proc"))
    if what == "w3":
        answering()
        return dict(driver.w3(peer, runs, steps, setting or peer.w3_setting))
    row = driver.crash(peer, runs, steps, setting or peer.crash_setting)
    return {**row, "seconds_from_the_workers_return": round(peer.poller.over - peer.back, 2)}


if __name__ == "__main__":
    main()
