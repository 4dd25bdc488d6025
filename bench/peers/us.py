"""Countersign's driver for the peers' workloads: run as ``us.py w1|w2|crash --runs N --setting S``, as the peers' are.

Runs begin through the application's own operation for many runs at once; workers are Celery's, as deployed. What is
measured is the whole of it: permissions, the ledger's events, live updates.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [os.environ["BENCH_PEERS"], str(ROOT)]

import common  # type: ignore[import-not-found]  # noqa: E402 - the peers' folder
import driver  # type: ignore[import-not-found]  # noqa: E402

STEPS = 5
PORTION = 100
"""Runs begun by one operation."""


def workflow(steps: int) -> dict[str, Any]:
    """Return a chain of ``steps`` calls, each of what the one before gave."""
    nodes: dict[str, Any] = {}
    for number in range(1, steps + 1):
        given = {"$": "input"} if number == 1 else {"$": f"nodes.s{number - 1}.output"}
        following = f"s{number + 1}" if number < steps else None
        nodes[f"s{number}"] = {
            "kind": "code",
            "function": "bench.step",
            "arguments": {"inp": given, "step": number},
            "next": following,
        }
    return {"start": "s1", "nodes": nodes, "result": {"$": f"nodes.s{steps}.output.step"}}


class Client:
    """Gives tasks as an integration would, in this process."""

    def __init__(self, peer: "Countersign") -> None:
        self.peer = peer
        self.threads = driver.Threads(2)

    def submit(self, kind: str, ids: list[int]) -> None:
        """Begin a run for each id."""
        portions = [ids[at : at + PORTION] for at in range(0, len(ids), PORTION)]
        self.threads.map(self.peer.begin, portions)

    def close(self) -> None:
        """Nothing is held."""


class Countersign(driver.Peer):  # type: ignore[misc]  # untyped, from the peers' folder
    """The peer that this repository is."""

    name = "countersign"
    version = "0.1.0"
    script = str(Path(__file__).resolve())
    settings = {"2proc": {"procs": 2}, "1proc": {"procs": 1}, "4proc": {"procs": 4}}

    def setup(self, dsn: str) -> None:
        """Migrate, and make a workspace with the agent whose workflow is the workload."""
        base = Path(common.venv_root()) / "base" / "bin" / "python"
        python = str(base) if base.exists() else sys.executable
        self.valkey = subprocess.Popen(  # noqa: S603 - our own program
            [python, os.path.join(common.HERE, "serve_valkey.py")],
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

        self.agent, self.owner = make_desk(workflow(STEPS))

    def begin(self, ids: list[int]) -> None:
        """Begin runs, in one operation."""
        from django.db import connection

        from agents.operations import NewTask, start_runs

        tasks = [NewTask(data=common.payload(number, 0)) for number in ids]
        start_runs(agent_id=self.agent.id, tasks=tasks, by=self.owner)
        connection.close()

    def teardown(self) -> None:
        """End the broker."""
        self.valkey.stdin.close()
        self.valkey.wait(10)

    def server_procs(self) -> list[Any]:
        """Return the broker."""
        return [self.valkey]

    def workers(self, kind: str, setting: dict[str, Any]) -> list[Any]:
        """Start Celery workers, and return when they take work."""
        ready = common.tmpfile("ready")
        own = {"BENCH_READY": ready, "PYTHONPATH": str(ROOT)}
        started = [
            common.spawn([sys.executable, "-m", "bench.peers.worker", f"w{number}"], own, cwd=str(ROOT))
            for number in range(setting["procs"])
        ]
        if common.wait_for_file_lines(ready, len(started), 60) < len(started):
            raise RuntimeError("a worker did not come up: " + Path(started[0].log_name).read_text()[-2000:])
        return started

    def client(self, kind: str, setting: dict[str, Any]) -> Client:
        """Return what gives tasks."""
        return Client(self)

    def done_sql(self, kind: str) -> str:
        """Return how to count the runs that are over."""
        return "select count(*) from agents_run where status = 'succeeded'"


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
        "LOG_LEVEL": "WARNING",
        "HTTPS_ONLY": "0",
        "ALLOWED_HOSTS": "localhost",
    }


if __name__ == "__main__":
    driver.main(Countersign(), None)
