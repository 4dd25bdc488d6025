"""``make bench [ONLY=a,b]``: print what was measured as a table, and keep it as JSON lines in ``bench/results``.

Each line is ``{"bench", "figure", "value", "unit", "beside"}``; ``beside`` holds what the same run measured of
something to compare with. The machine is described in a file beside the lines. Compare figures of one run with each
other, and never with those of another machine or hour. A scratch database is made, and dropped at the end.
"""

import argparse
import base64
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.peers import run as peers
from bench.peers.run import NoPeers

RESULTS = Path(__file__).resolve().parent / "results"
BENCHES = ("gate", "story", "pages", "retrieval", "scale", "memory", "crowd", "load", "chaos")


def main() -> int:
    """Run the benchmarks that were asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--only", default=",".join(BENCHES), help="names, by commas")
    parser.add_argument("--runs", type=int, default=40, help="runs of the story, in three rounds")
    parser.add_argument("--steps", type=int, default=2_000_000, help="steps of finished runs that load begins with")
    parser.add_argument("--peers", action="store_true", help="also other systems, at the same work, interleaved")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name]
    unknown = sorted(set(names) - {*BENCHES, "peers"})
    if unknown:
        sys.stderr.write(f"bench: there is no {', '.join(unknown)}; choose among {', '.join(BENCHES)}.\n")
        return 2
    try:
        beside = peers.measure() if options.peers or "peers" in names else []  # before anything of ours is set up here
    except NoPeers as missing:
        sys.stderr.write(f"bench: {missing}\n")
        return 2
    _prepare()
    lines, machine = _measure(names, options)
    lines += beside
    _show(lines)
    _keep(lines, machine)
    return 0


def _prepare() -> None:
    """Set up Django with keys of this process alone; statements are not logged and pages not debugged."""
    key = base64.b64encode(os.urandom(32)).decode()
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "ENCRYPTION_KEYS": f"bench:{key}"}
    os.environ |= {"LEDGER_SIGNING_KEY": key, "SECRET_KEY": key, "HTTPS_ONLY": "0", "LOG_LEVEL": "ERROR"}
    os.environ.pop("LEDGER_WITNESS_FILE", None)
    os.environ |= {"ALLOWED_HOSTS": "testserver", "DEBUG": "0", "API_RATE": "100000/min"}
    import django

    django.setup()
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


def _measure(names: list[str], options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from django.db import connection

    from bench import chaos, gate, memory
    from bench.desk import own_desk

    lines: list[dict[str, Any]] = gate.measure() if "gate" in names else []
    lines += memory.measure() if "memory" in names else []
    lines += chaos.measure() if "chaos" in names else []
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        machine = _machine()
        with own_desk() as office:
            for name in names:
                lines += _with_desk(name, office, options)
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)
    return lines, machine


def _with_desk(name: str, office: Any, options: argparse.Namespace) -> list[dict[str, Any]]:
    from bench import crowd, load, pages, retrieval, scale, story

    found: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "story": lambda: story.measure(office, options.runs),
        "pages": lambda: pages.measure(office),
        "retrieval": lambda: retrieval.measure(office.cast.workspace),
        "scale": lambda: scale.measure(office.cast.workspace),
        "crowd": lambda: crowd.measure(office),
        "load": lambda: load.measure(options.steps),
    }
    return found[name]() if name in found else []


def _machine() -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        postgres = {}
        for name in names:
            cursor.execute("SELECT current_setting(%s)", [name])
            postgres[name] = cursor.fetchone()[0]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S607
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "processor": _first(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory": _first(Path("/proc/meminfo"), "MemTotal"),
        "load_before": os.getloadavg(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgres": postgres,
        "note": "One process, one thread, everything on this machine; whatever else runs on it is in the figures.",
    }


def _first(path: Path, name: str) -> str:
    lines: Iterable[str] = path.read_text().splitlines() if path.exists() else ()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _show(lines: list[dict[str, Any]]) -> None:
    rows = [("bench", "figure", "value", "unit", "beside")]
    rows += [
        (line["bench"], line["figure"], f"{line['value']:,}", line["unit"], _plain(line["beside"])) for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _plain(beside: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value:,}" for name, value in beside.items())


def _keep(lines: list[dict[str, Any]], machine: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    stamp = machine["at"].replace(":", "").replace("+0000", "Z")
    (RESULTS / f"{stamp}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (RESULTS / f"{stamp}.machine.json").write_text(json.dumps(machine, indent=2) + "\n")
    sys.stdout.write(f"\nKept in bench/results/{stamp}.jsonl\n")


if __name__ == "__main__":
    sys.exit(main())
