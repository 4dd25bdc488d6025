"""``make test``: everything that has to hold before a change lands, the quick checks first, the tests last.

Each step is one command that can be run alone; the first that fails ends the run and is named with its command. The
database and the broker of the later steps are started empty and stopped at the end, unless ``DATABASE_URL`` and
``REDIS_URL`` name others.
"""

import base64
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config.services.errors import CannotStart
from config.services.running import say, services, var_folder

PYTHON = sys.executable
BIN = Path(sys.executable).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

QUICK = {
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "lint": [str(BIN / "ruff"), "check", "."],
    "floors": [str(BIN / "lint-imports"), "--no-cache"],
    "types": [PYTHON, "-m", "mypy", "."],
}
WITH_SERVICES = {
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
    "deployment": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
}


def main() -> int:
    """Run every step; return the exit status of the first that fails."""
    began = time.monotonic()
    try:
        status = run_steps(QUICK | templates(), os.environ | production_like())
        if status:
            return status
        with services(var_folder() / "test", fast=True) as running:
            environment = {**os.environ, **running.addresses}
            status = run_steps(WITH_SERVICES, environment | production_like())
            if status:
                return status
            say(f"--- everything but the tests took {time.monotonic() - began:.0f} s")
            Path(".coverage").unlink(missing_ok=True)
            return run_tests(environment)
    except CannotStart as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1


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


def run_tests(environment: Mapping[str, str]) -> int:
    """Run the browser tests, then all others; return the first status that is not zero.

    They are two processes, since the browser's driver keeps an event loop running, in which Django refuses to work.
    """
    common = [PYTHON, "-m", "pytest", "--cov", "-n", "2", "--dist", "loadfile"]
    if has_browser():
        alone = [*common, "tests/browser", "--cov-report=", "--cov-fail-under=0"]
        status = subprocess.run(alone, env=environment, check=False).returncode
        if status:
            return status
    others = [*common, "--cov-append", "--cov-report=term:skip-covered", "--ignore=tests/browser"]
    return subprocess.run(others, env=environment, check=False).returncode


def has_browser() -> bool:
    """Return whether there is a browser; without one the browser tests stay out, and that is said loudly."""
    if any(shutil.which(name) for name in BROWSERS):
        return True
    say("\n" + "*" * 96)
    say("NO BROWSER: Chromium is not installed, so the tests in tests/browser DO NOT RUN and the pages stay unseen.")
    say("Install it (Debian, Ubuntu: apt-get install chromium) and run `make test` again.")
    say("*" * 96 + "\n")
    return False


if __name__ == "__main__":
    sys.exit(main())
