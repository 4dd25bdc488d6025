"""``chaos``: the crash test of ``manage.py chaos``, for longer and with several seeds; see ``docs/chaos.md``."""

import json
import subprocess
import sys
import time
from typing import Any

from bench.figures import figure
from config.services.places import CHECKOUT

SEEDS = 3
PROFILE = ("--runs", "100", "--seconds", "90", "--seed", "1", "--seeds", str(SEEDS))


def measure() -> list[dict[str, Any]]:
    """Return the books of all seeds, and the runs that came to their end a minute, trouble and peace included."""
    began = time.perf_counter()
    books = _played()
    minutes = (time.perf_counter() - began) / 60
    lines = [figure("chaos", name.replace("_", " "), number, "1", seeds=SEEDS) for name, number in books.items()]
    return [*lines, figure("chaos", "runs over, start and stop included", books["completed"] / minutes, "1/min")]


def _played() -> dict[str, int]:
    command = [sys.executable, "manage.py", "chaos", *PROFILE]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603
    lines = done.stdout.splitlines()
    if not (lines and lines[-1].startswith("{")):
        raise SystemExit(f"bench: the crash test did not come to its end:\n{done.stdout}{done.stderr}")
    found: dict[str, int] = json.loads(lines[-1])
    return found
