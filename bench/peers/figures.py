"""From the rows of the rounds to figures: the median of each, ours beside those of the peers that have finished."""

import statistics
from typing import Any, Final

from bench.figures import figure

NAME: Final = "countersign"
Path = tuple[str, ...]
WRITTEN: Final[list[tuple[str, str, Path]]] = [
    ("statements a step", "1", ("statements_per_step",)),
    ("write transactions a step", "1", ("pg", "write_xacts_per_step")),
    ("bytes of log a step", "bytes", ("pg", "wal_bytes_per_step")),
]
FIGURES: Final[dict[str, list[tuple[str, str, Path]]]] = {
    "w1": [
        ("steps", "1/s", ("steps_per_s",)),
        *WRITTEN,
        ("transactions a step", "1", ("pg", "commits_per_step")),
        ("bytes kept of a run", "bytes", ("pg", "stored_bytes_per_run")),
        ("processor time of workers a step", "ms", ("worker_cpu_ms_per_step",)),
    ],
    "w2": [
        ("resuming one run: p50", "ms", ("resume_one", "p50_ms")),
        ("resuming one run: p95", "ms", ("resume_one", "p95_ms")),
        ("resuming the others at once", "runs/s", ("resume_all", "runs_per_s")),
        ("how often the code before the pause runs", "1", ("executions_per_step", "9")),
        ("how often the approved effect happens", "1", ("executions_per_step", "10")),
        ("resident memory while all wait", "MB", ("held", "rss_mb")),
        ("connections while all wait", "1", ("connections_while_waiting", "total")),
        *WRITTEN,
    ],
    "w3": [
        ("until the last run is over", "s", ("seconds",)),
        ("resident memory of workers at most", "MB", ("peak_rss_mb",)),
        ("processor time of all but PostgreSQL", "s", ("cpu_s",)),
        *WRITTEN,
    ],
    "crash": [
        ("lost runs", "1", ("lost",)),
        ("doubled effects", "1", ("duplicated_side_effects",)),
        ("steps that never ran", "1", ("steps_never_executed",)),
        ("from the kill to the last run's end", "s", ("seconds_from_kill_to_last_completion",)),
        ("from the workers' return to it", "s", ("seconds_from_the_workers_return",)),
        *WRITTEN,
    ],
}


def figures_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the medians; raise ``RuntimeError`` with the reason where we ourselves did not finish."""
    found = []
    for workload in dict.fromkeys(row["w"] for row in rows):
        of = [row for row in rows if row["w"] == workload]
        broken = [row for row in of if row["peer"] == NAME and "error" in row]
        if broken:
            raise RuntimeError(f"countersign did not finish {workload}: {broken[-1]['error']}")
        for title, unit, path in FIGURES[workload]:
            values = {peer: value for peer in _peers(of) if (value := _median(of, peer, path)) is not None}
            own = values.pop(NAME, None)
            if own is not None:
                name = f"{workload.upper()}, {_runs(of):,} runs: {title}"
                found.append(figure("peers", name, own, unit, **values))
    return found


def _peers(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["peer"] for row in rows))


def _runs(rows: list[dict[str, Any]]) -> int:
    return int(next(row["runs"] for row in rows if row["peer"] == NAME))


def _median(rows: list[dict[str, Any]], peer: str, path: Path) -> float | None:
    found = [_at(row, path) for row in rows if row["peer"] == peer and "error" not in row]
    known = [float(value) for value in found if value is not None]
    return statistics.median(known) if known else None


def _at(row: Any, path: Path) -> Any:
    for name in path:
        row = (row or {}).get(name)
    return row
