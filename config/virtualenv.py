"""Make the virtualenv from the hashed lock: the one step that runs before anything is installed.

The Makefile runs it with whatever ``python3`` there is, so it uses the standard library alone, keeps to syntax that old
Pythons can parse, and says what to do when that Python cannot serve. A marker inside the virtualenv holds the digest of
what was installed: the second start returns at once, an interrupted install is done again, and a virtualenv without our
marker is somebody else's and is used as it is.
"""

import sys

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    sys.exit(
        "countersign: Python 3.11 or newer is needed, this is {}.{}: name one with PYTHON, "
        "for example `make demo PYTHON=/path/to/python3.13`.".format(*sys.version_info[:2])
    )

import argparse  # noqa: E402
import fcntl  # noqa: E402
import hashlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

MARKER = "countersign.json"


class Refused(Exception):
    """The virtualenv cannot be made; the message says what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Create or complete the virtualenv; return the exit status."""
    parser = argparse.ArgumentParser(description="Create or complete the virtualenv.")
    parser.add_argument("venv", type=Path)
    parser.add_argument("locks", type=Path, nargs="+", help="the lock wanted, then those that contain it")
    options = parser.parse_args(arguments)
    try:
        ensure(options.venv, options.locks)
    except Refused as refusal:
        sys.stderr.write(f"countersign: {refusal}\n")
        return 1
    except OSError as error:
        place = options.venv.absolute()
        sys.stderr.write(f"countersign: cannot write {place} ({error.strerror}): choose another with VENV=/path.\n")
        return 1
    return 0


def ensure(venv: Path, locks: list[Path]) -> None:
    """Leave ``venv`` with what the first of ``locks`` names; what any of them installed will do."""
    if is_foreign(venv):
        if not (venv / "bin" / "python").exists():
            raise Refused(f"{venv} holds no Python: remove it, or name another with VENV=/path.")
        return
    if is_ready(venv, locks):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise Refused(
            f"{sys.executable} cannot make virtualenvs: install its venv package "
            "(Debian, Ubuntu: `apt-get install python3-venv`) or name another Python with PYTHON=/path."
        )
    venv.mkdir(parents=True, exist_ok=True)
    with (venv / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not is_ready(venv, locks):
            build(venv, locks[0])


def is_foreign(venv: Path) -> bool:
    """Return whether somebody else made ``venv``."""
    if venv.is_symlink():
        return True
    ours = (venv / MARKER).exists() or (venv / ".lock").exists()
    return venv.is_dir() and any(venv.iterdir()) and not ours


def is_ready(venv: Path, locks: list[Path]) -> bool:
    """Return whether one of ``locks`` is installed completely and the interpreter is still there."""
    try:
        installed = json.loads((venv / MARKER).read_text())
    except (OSError, ValueError):
        return False
    return (venv / "bin" / "python").exists() and installed in [state_of(lock) for lock in locks]


def state_of(lock: Path) -> dict[str, str]:
    """Return what the marker says once ``lock`` is installed by this Python."""
    python = "{}.{}".format(*sys.version_info[:2])
    return {"digest": hashlib.sha256(lock.read_bytes()).hexdigest(), "python": python}


def build(venv: Path, lock: Path) -> None:
    """Make ``venv`` anew where its Python is missing or another, install ``lock``, and only then mark it ready."""
    began = time.monotonic()
    (venv / MARKER).unlink(missing_ok=True)
    python = venv / "bin" / "python"
    if not answers(python):
        for leftover in venv.iterdir():
            if leftover.name != ".lock":
                shutil.rmtree(leftover) if leftover.is_dir() and not leftover.is_symlink() else leftover.unlink()
        say(f"Making the virtualenv {venv} with Python {sys.version.split()[0]}")
        run([sys.executable, "-m", "venv", str(venv)], "the virtualenv could not be made")
    wanted = sum(1 for line in lock.read_text().splitlines() if line and line[0].isalnum())
    say(f"Installing {wanted} packages from {lock.name} (the first start only)")
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "-q"]
    pip.append("--no-compile")  # 14,000 modules take a minute, and most are never imported; an import compiles its own
    run(
        [*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)],
        "the packages could not be installed: see pip's lines above, check the network, and start again",
    )
    (venv / MARKER).write_text(json.dumps(state_of(lock)))
    say(f"Installed in {time.monotonic() - began:.0f} s")


def answers(python: Path) -> bool:
    """Return whether ``python`` runs, has pip, and is of this version."""
    if not python.exists():
        return False
    probe = "import pip, sys; sys.exit(sys.version_info[:2] != ({}, {}))".format(*sys.version_info[:2])
    return subprocess.run([str(python), "-c", probe], capture_output=True, check=False).returncode == 0


def run(command: list[str], failure: str) -> None:
    """Run ``command``, its lines shown as they come; raise `Refused` with ``failure`` when it does not succeed."""
    if subprocess.run(command, check=False).returncode != 0:
        raise Refused(failure + ".")


def say(line: str) -> None:
    """Show one line of progress now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
