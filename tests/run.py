"""``make test``: everything that has to hold before a change lands.

The checks take one core and the browser tests, which wait for pages, the other; all other tests follow, on both. Each
step is one command that can be run alone; the first that fails ends the run and is named with its command. The database
and the broker are started empty and stopped at the end, unless ``DATABASE_URL`` and ``REDIS_URL`` name others.
"""

import base64
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.services.errors import CannotStart
from config.services.running import say, services, var_folder

PYTHON = sys.executable
BIN = Path(sys.executable).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

CHECKS = {
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "lint": [str(BIN / "ruff"), "check", "."],
    "floors": [str(BIN / "lint-imports"), "--no-cache"],
    "types": [PYTHON, "-m", "mypy", "."],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "deployment": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
}
PROCESSES = min((os.cpu_count() or 1) + 1, 8)
"""One more than there are cores: some test always waits for a process or for time to pass."""
PYTEST = [PYTHON, "-m", "pytest", "-n", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]
BROWSER_TESTS = [*PYTEST, "tests/browser"]
OTHER_TESTS = [*PYTEST, "--ignore=tests/browser", "--cov", "--cov-report=term:skip-covered"]

NEVER_UNTESTED = (
    "approvals/gate.py",
    "approvals/policies/*.py",
    "approvals/ports.py",
    "approvals/operations/clearing.py",
    "tools/ports.py",
    "tools/bindings.py",
    "tools/environments.py",
    "tools/operations/executing.py",
    "tools/operations/images.py",
    "tools/operations/observing.py",
    "tools/operations/targets.py",
    "workspaces/transitions.py",
)
"""What stands between a proposal and the world: the gate, the clearance, the two doors, the one mutator of statuses."""


def main() -> int:
    """Run every step; return the exit status of the first that fails."""
    try:
        with services(var_folder() / "test", fast=True) as running:
            return run({**inherited(), **running.addresses})
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1


def inherited() -> dict[str, str]:
    """Return the environment; Python may keep what it compiled, or each of hundreds of processes compiles all anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(environment: Mapping[str, str]) -> int:
    """Run the checks beside the browser tests, then the other tests; return the first status that is not zero."""
    began = time.monotonic()
    Path(".coverage").unlink(missing_ok=True)
    with browser_tests(environment) as browser_status:
        status = run_steps(CHECKS | templates(), {**environment, **production_like()}) or browser_status()
    if status:
        return status
    say(f"--- checks and browser tests took {time.monotonic() - began:.0f} s")
    return run_tests(environment)


def run_steps(steps: dict[str, list[str]], environment: dict[str, str]) -> int:
    """Run ``steps`` in order, each with its seconds; return the status of the first that fails, with its output."""
    for name, command in steps.items():
        began = time.monotonic()
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        seconds = time.monotonic() - began
        if result.returncode != 0:
            say(result.stdout + result.stderr)
            say(f"--- {name} failed after {seconds:.1f} s; alone: {shlex.join(command)}")
            return result.returncode
        say(f"--- {name}: in order ({seconds:.1f} s)")
    return 0


def templates() -> dict[str, list[str]]:
    """Return the step over the templates, which needs one to look at."""
    found = sorted(str(path) for path in Path("templates").rglob("*.html"))
    return {"templates": [str(BIN / "djhtml"), "--tabwidth", "2", "--check", *found]} if found else {}


def production_like() -> dict[str, str]:
    """Return settings as a careful operator has them: what the checks say about those must be nothing."""
    key = base64.b64encode(bytes(range(32))).decode()
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-the-checks-" + "0123456789abcdef" * 3,
        "ENCRYPTION_KEYS": f"check:{key}",
        "LEDGER_SIGNING_KEY": key,
        "LEDGER_WITNESS_FILE": os.devnull,
        "VAR_DIR": str(var_folder()),
    }


@contextmanager
def browser_tests(environment: Mapping[str, str]) -> Iterator[Callable[[], int]]:
    """Run the browser tests in the background; give a function that waits for their end and returns their status.

    They are a process apart, since the browser's driver keeps an event loop running, in which Django refuses to work.
    """
    path = browser()
    if not path:
        yield lambda: 0
        return
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            BROWSER_TESTS, stdout=said, stderr=subprocess.STDOUT, env={**environment, "CHROMIUM": path}
        )

        def finish() -> int:
            status = process.wait()
            said.seek(0)
            say(said.read())
            return status

        try:
            yield finish
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # as Ctrl-C does: the tests end what they have started
            process.wait()


def run_tests(environment: Mapping[str, str]) -> int:
    """Run all tests that need no browser, then hold what may never be untested; return the first status not zero."""
    status = subprocess.run(OTHER_TESTS, env=dict(environment), check=False).returncode
    if status:
        return status
    command = [PYTHON, "-m", "coverage", "report", f"--include={','.join(NEVER_UNTESTED)}", "--fail-under=100"]
    held = subprocess.run(command, check=False).returncode
    if held:
        say("--- the gate, the clearance, the doors and transition() must be covered to the last line and branch:")
        say(f"    test what is missing above, or take it out. Alone: {shlex.join(command)}")
    return held


def browser() -> str:
    """Return the browser's path; without one the browser tests stay out, and that is said loudly."""
    wanted = os.environ.get("CHROMIUM")
    for name in [wanted] if wanted else BROWSERS:
        if found := shutil.which(name):
            return found
    say("\n" + "*" * 96)
    say(
        f"NO BROWSER: there is no {wanted or 'Chromium'}. The tests in tests/browser DO NOT RUN; nobody sees the pages."
    )
    say(
        "Install it (Debian, Ubuntu: apt-get install chromium), or name it with CHROMIUM=/path; then `make test` again."
    )
    say("*" * 96 + "\n")
    return ""


if __name__ == "__main__":
    sys.exit(main())
