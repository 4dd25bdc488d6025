"""``memory``: what the demo holds while nobody asks anything of it, process by process.

A demo of its own is started with fresh data and its own servers. Once its first page has been asked for and its
processes have used next to no processor time for a while, their proportional set sizes (``Pss`` in
``/proc/PID/smaps_rollup``: what several share is counted once) are added up. Linux only.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.figures import figure
from config.demo.supervisor import address_of, answers
from config.services.places import CHECKOUT, Places

PROC: Final = Path("/proc")
KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "CI")
NAMES: Final = {
    "config.demo.mail": "mail",
    "config.demo.payments": "payments",
    "config.demo": "supervisor",
    "uvicorn": "web",
    "celery": "worker",
    "valkey": "broker",
    "postgres": "database",
}
"""What stands in a command line, and whose it is; the first that fits."""
START: Final = 120.0
IDLE: Final = 5.0
QUIET: Final = 0.05
"""Processor seconds a second, of all processes together, below which the demo counts as idle."""
LONGEST: Final = 120.0


def measure() -> list[dict[str, Any]]:
    """Return the sum and each part's share, in megabytes."""
    if not PROC.joinpath("self", "smaps_rollup").exists():
        raise SystemExit("bench: the memory of a process is read from /proc, which is not here; leave `memory` out.")
    with _demo() as pid:
        _await_idle(pid)
        sizes: Counter[str] = Counter()
        for each in tree(pid):
            sizes[_name(each)] += _pss(each)
    lines = [figure("memory", f"idle: {name}", size / 1e6, "MB") for name, size in sizes.most_common() if size]
    return [figure("memory", "idle: all of the demo", sum(sizes.values()) / 1e6, "MB"), *lines]


@contextmanager
def _demo() -> Iterator[int]:
    """Start a demo on fresh data, and stop it."""
    with TemporaryDirectory(prefix="countersign-bench-") as folder:
        var = Path(folder) / "var"
        environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"VAR_DIR": str(var)}
        command = [sys.executable, "-m", "config.demo"]
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own demo
        try:
            _await_page(process, var)
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
            list(Places.of(var).forget())


def _await_page(process: "subprocess.Popen[bytes]", var: Path) -> None:
    end = time.monotonic() + START
    while process.poll() is None and time.monotonic() < end:
        if (var / "announced.txt").exists() and answers(address_of(var)):
            return
        time.sleep(0.5)
    raise SystemExit(f"bench: the demo did not start within {START:.0f} s.")


def _await_idle(root: int) -> None:
    """Wait until the processes have next to nothing to do; after a while measure as it is, and say so."""
    end = time.monotonic() + LONGEST
    before = _used(root)
    while time.monotonic() < end:
        time.sleep(IDLE)
        now = _used(root)
        if now - before < QUIET * IDLE:
            return
        before = now
    sys.stderr.write(f"bench: the demo was not idle after {LONGEST:.0f} s; measured as it was.\n")


def tree(root: int) -> list[int]:
    """Return ``root`` and everything that it has started."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        if parts := _stat(int(folder.name)):
            children.setdefault(int(parts[1]), []).append(int(folder.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def _stat(pid: int) -> list[str]:
    """Return what stands behind the command's name in ``/proc/PID/stat``; nothing for a process that has ended."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _used(root: int) -> float:
    """Return the processor seconds that all of them have used."""
    ticks = sum(int(parts[11]) + int(parts[12]) for parts in map(_stat, tree(root)) if parts)
    return ticks / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    """Return the proportional set size in bytes; zero for a process that has ended."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _name(pid: int) -> str:
    try:
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "ended"
    return next((name for words, name in NAMES.items() if words in command), "other")
