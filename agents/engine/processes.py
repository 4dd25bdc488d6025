"""What the kernel says of the processes of this machine: whether one that began at a moment still runs.

A process that was killed is gone at once, and nobody who shares its process ids needs to wait for its silence.
Processes of other machines, or of other containers, are not judged here.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE: Final = "/proc/self/ns/pid"
OVER: Final = frozenset("ZXx")
"""States of a process, or of one of its threads, of which only the entry is left (proc(5))."""


@lru_cache(maxsize=1)
def machine() -> str:
    """Return what tells this boot of this machine and its set of process ids from others; empty where it is unknown."""
    try:
        return f"{BOOT.read_text().strip()} {os.readlink(NAMESPACE)}"
    except OSError:
        return ""


def born(pid: int) -> int | None:
    """Return when the process began, in clock ticks since the boot; None where that cannot be read."""
    found = _stat(Path(f"/proc/{pid}/stat"))
    return int(found[19]) if found else None


def is_gone(pid: int, began: int) -> bool:
    """Say whether the process that began then has ended for certain; a doubt counts as running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = born(pid)
    return now is not None and (now != began or _is_over(pid))


def _is_over(pid: int) -> bool:
    """Say whether nothing but its entry is left: its parent has not asked for its end yet."""
    tasks = [_stat(path / "stat") for path in Path(f"/proc/{pid}/task").glob("*")]
    return bool(tasks) and all(task and task[0] in OVER for task in tasks)


def _stat(path: Path) -> list[str]:
    """Return the fields after the name, which may itself hold blanks and brackets; nothing where there is no file."""
    try:
        return path.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
