"""The whole demo as one process: it starts, is alone in its folder, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from config.demo import clean, ports
from config.demo.supervisor import Supervisor
from config.services.errors import CannotStart
from config.services.places import CHECKOUT, Places, claimed
from config.services.processes import wait_until
from config.services.running import ADDRESSES

INHERITED = (*ADDRESSES, "PYTEST_VERSION", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")


@pytest.fixture
def var(tmp_path, monkeypatch):
    for name in (*INHERITED, "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    yield tmp_path / "var"
    Places.of(tmp_path / "var").forget()


@contextmanager
def demo():
    """Start the demo on a free port, wait for its announcement, and give the process and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "config.demo"], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C stops everything" in line:
            break
    try:
        yield process, said
    finally:
        process.kill()
        process.communicate()


def belonging_to(var):
    """Return the living processes that were given this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(var) in words and entry.name != str(os.getpid()):
            found.append(int(entry.name))
    return found


def test_demo_is_alone_stops_without_a_trace_and_survives_being_killed(var):
    with demo() as (process, said):
        url = re.search(r"Countersign is at (http://127\.0\.0\.1:\d+/)", said)
        assert url, said
        for name in ("keys.json", "services.json", "crm.json"):
            assert (var / name).stat().st_mode & 0o077 == 0
        second = subprocess.run([sys.executable, "-m", "config.demo"], cwd=CHECKOUT, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"already running at {url[1]} (process {process.pid})" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert belonging_to(var) == []
    keys = (var / "keys.json").read_text()
    with demo() as (process, said):
        assert "Countersign is at" in said, said
        assert (var / "keys.json").read_text() == keys
        process.kill()
        process.wait()
    if sys.platform == "linux":
        assert wait_until(lambda: belonging_to(var) == [], 30), belonging_to(var)


def test_second_copy_names_the_address_of_the_first(var):
    var.mkdir()
    (var / "demo.json").write_text('{"url": "http://127.0.0.1:8123/"}')
    with (
        claimed(Places.of(var), "demo"),
        ExitStack() as stack,
        pytest.raises(CannotStart, match=rf"already running at http://127\.0\.0\.1:8123/ \(process {os.getpid()}\)"),
    ):
        Supervisor(var).claim(stack)


def test_asked_port_in_use_is_refused_with_another_to_try(var, monkeypatch):
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(CannotStart, match=rf"port {port} is in use.*PORT={port + 1} make demo"):
            ports.choose()


def test_usual_port_in_use_gives_way_to_the_next(var, monkeypatch):
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        monkeypatch.setattr(ports, "USUAL", other.getsockname()[1])
        assert ports.choose() > other.getsockname()[1]


@pytest.mark.parametrize("wanted", ["http", "0", "70000", "-1"])
def test_port_that_is_none_is_refused(monkeypatch, wanted):
    monkeypatch.setenv("PORT", wanted)
    with pytest.raises(CannotStart, match="is not a port"):
        ports.choose()


def test_mail_ports_stay_until_somebody_takes_them(var):
    var.mkdir()
    first = ports.for_mail(var)
    assert ports.for_mail(var) == first
    with socket.socket() as other:
        other.bind((ports.HOST, first[0]))
        other.listen()
        assert ports.for_mail(var)[0] != first[0]


def test_clean_forgets_everything_but_not_under_a_running_demo(var, capsys):
    var.mkdir()
    (var / "keys.json").write_text("{}")
    with claimed(Places.of(var), "demo"):
        assert clean.main() == 1
        assert "stop it with Ctrl-C first" in capsys.readouterr().err
    assert clean.main() == 0
    assert not var.exists()
    assert not Places.of(var).home.exists()
