"""``python -m config.services`` and the end of everything when its process is killed."""

import os
import signal
import subprocess
import sys

import pytest

from config.services import __main__ as command
from config.services.places import CHECKOUT
from config.services.processes import command_of, wait_until


@pytest.fixture
def started(var):
    """Start ``python -m config.services run`` with a program that prints the pids of everything below it, and waits."""
    script = "ps -o pid= --ppid $PPID | tr '\\n' ' '; echo; exec cat"
    process = subprocess.Popen(
        [sys.executable, "-m", "config.services", "run", "--", "sh", "-c", script],
        cwd=CHECKOUT,
        env={**os.environ, "VAR_DIR": str(var)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def below(process):
    for line in process.stdout:
        if line.split() and all(part.isdigit() for part in line.split()):
            return [int(part) for part in line.split()]
    raise AssertionError("the program printed no pids")


def servers(pids):
    return [pid for pid in pids if "postgres" in command_of(pid) or "valkey-server" in command_of(pid)]


def test_run_ends_with_the_commands_status_and_stops_the_servers(var, monkeypatch, capfd):
    monkeypatch.setenv("VAR_DIR", str(var))
    assert command.main(["run", "--test", "--", "sh", "-c", "echo at $DATABASE_URL $REDIS_URL; exit 7"]) == 7
    out = capfd.readouterr().out
    assert "at postgresql://postgres:" in out
    assert "redis://:" in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_servers_end_with_the_process_that_started_them(started, number):
    found = servers(below(started))
    assert len(found) == 2
    started.send_signal(number)
    started.wait()
    assert wait_until(lambda: servers(found) == [], 20)


def test_env_prints_what_runs_or_says_how_to_start(var, monkeypatch, capsys):
    monkeypatch.setenv("VAR_DIR", str(var))
    assert command.main(["env"]) == 1
    assert "make demo" in capsys.readouterr().err
    var.mkdir()
    (var / "services.json").write_text('{"DATABASE_URL": "a b", "DATABASE_OWNER_URL": "o", "REDIS_URL": "r"}')
    assert command.main(["env"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "export DATABASE_URL='a b'"


def test_run_without_a_command_says_how(var, monkeypatch, capsys):
    monkeypatch.setenv("VAR_DIR", str(var))
    assert command.main(["run", "--"]) == 1
    assert "name a command after --" in capsys.readouterr().err
