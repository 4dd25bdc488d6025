"""What a worker needs to take part: the workloads' step as a function, and a line that says it is ready."""

import os
import sys
from pathlib import Path
from typing import Any

from agents.workflows.functions import Function

sys.path.insert(0, os.environ["BENCH_PEERS"])

import common  # type: ignore[import-not-found]


def _step(inp: dict[str, Any], step: int) -> dict[str, Any]:
    result: dict[str, Any] = common.do_step(inp, step)
    return result


STEP = Function(
    "bench.step",
    "Takes about a kilobyte of JSON and gives about a kilobyte.",
    _step,
    {
        "type": "object",
        "required": ["inp", "step"],
        "properties": {"inp": {"type": "object"}, "step": {"type": "integer"}},
    },
    {"type": "object"},
)


def say_ready(**_: Any) -> None:
    """Tell the driver that this worker takes work."""
    with Path(os.environ["BENCH_READY"]).open("a") as lines:
        lines.write("up\n")
