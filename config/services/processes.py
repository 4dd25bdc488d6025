"""Children that end with their parent: started in a group of their own, stopped in order, killed with the supervisor.

The terminal's Ctrl-C reaches the supervisor alone, which stops the children one after the other. Where the supervisor
itself is killed, Linux signals each child (``PR_SET_PDEATHSIG``), so that nothing stays behind.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Child:
    """One started process; ``ending`` are the signals that stop it, each with the seconds it is given."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ending: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))
    since: float = field(default_factory=time.monotonic)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """End the process and whatever its group still holds."""
        for number, seconds in self.ending:
            if not self.is_alive:
                break
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of the log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    folder: Path | None = None,
    stdin: bytes | None = None,
    on_parents_death: signal.Signals = signal.SIGKILL,
) -> Child:
    """Start ``command`` in a process group of its own, its output in ``log``; the log before it is kept beside."""
    if log.exists():
        log.replace(log.with_suffix(".previous"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,
            preexec_fn=dies_with_parent(on_parents_death),
            **identity(user),
        )
    if stdin is not None and process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
    return Child(name, process, log)


class Identity(TypedDict, total=False):
    """`subprocess` arguments that say as whom a command runs."""

    user: int
    group: int
    extra_groups: list[int]


def identity(user: str | None) -> Identity:
    """Return what runs a command as ``user`` and in no other group than theirs; nothing for None."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: ask the kernel for ``number`` when the parent dies."""
    parent = os.getpid()

    def ask() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(number))
            if os.getppid() != parent:
                os._exit(1)

    return ask


def command_of(pid: int) -> str:
    """Return the command line of ``pid``, or nothing where there is no such process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    if sys.platform == "linux":
        return ""
    answer = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def end_leftover(pid: int, belongs: Callable[[str], bool], ending: Sequence[tuple[signal.Signals, float]]) -> bool:
    """End a process that an earlier supervisor left behind; leave alone a stranger who has its number by now."""
    for number, seconds in ending:
        if not belongs(command_of(pid)):
            break
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        wait_until(lambda: not belongs(command_of(pid)), seconds)
    return not belongs(command_of(pid))


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Ask ``condition`` until it holds; return whether it did within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
