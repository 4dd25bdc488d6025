"""The layout of docs/deployment.md: several web and worker processes of production's settings, all of them ready."""

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from agents.engine.workers import living_workers
from tests.serving import ROOT, free_port, surroundings_of, until
from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger"]
FORMATION = {"web": 2, "worker": 2, "scheduler": 1}
PATIENCE = 120


@pytest.fixture
def environment(transactional_db, tmp_path):
    """Return what an operator would set, around the tests' database and broker."""
    key = base64.b64encode(bytes(range(32))).decode()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    own = {
        **surroundings_of(tmp_path),
        "DEBUG": "",
        "SECRET_KEY": "only-for-the-procfile-" + "0123456789abcdef" * 3,
        "ENCRYPTION_KEYS": f"k1:{key}",
        "LEDGER_SIGNING_KEY": key,
        "LEDGER_WITNESS_FILE": str(tmp_path / "witness.jsonl"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return {**kept, **own}


def readiness(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)
    except OSError:
        return {}


def test_every_command_of_the_procfile_starts_and_the_installation_is_ready(environment, tmp_path):
    commands = dict(line.split(": ", 1) for line in (ROOT / "docs/Procfile").read_text().splitlines())
    assert commands.keys() == FORMATION.keys()
    assert (ROOT / "docs/Procfile").read_text() in (ROOT / "docs/deployment.md").read_text()
    ports = [free_port() for _ in range(FORMATION["web"])]
    started = {}
    with ExitStack() as stack:
        for name, count in FORMATION.items():
            for number in range(count):
                log = stack.enter_context((tmp_path / f"{name}.{number}.log").open("w+"))
                port = {"PORT": str(ports[number])} if name == "web" else {}
                command = ["sh", "-c", f"exec {commands[name]}"]
                process = subprocess.Popen(command, cwd=ROOT, env={**environment, **port}, stdout=log, stderr=log)
                stack.callback(process.wait)
                stack.callback(process.kill)
                started[name, number] = process
        living = lambda: [name for name, process in started.items() if process.poll() is None]  # noqa: E731
        ready = lambda: all(readiness(port).get("ready") for port in ports)  # noqa: E731
        at_work = lambda: living_workers().count() == FORMATION["worker"]  # noqa: E731
        until(lambda: len(living()) < len(started) or (ready() and at_work()), PATIENCE)
        logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
        assert living() == list(started), logs
        assert "Sweeping." in (tmp_path / "scheduler.0.log").read_text()
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        assert {name for name, process in started.items() if process.wait(60) not in {0, -signal.SIGTERM}} == set()
        assert not living_workers().exists()
