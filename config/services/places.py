"""Where the services keep their files.

An ordinary user has everything in ``var/``. PostgreSQL refuses to run as root, and to let another user into a checkout
(often below ``/root``) folders above it would have to be opened. So for root the servers' programs and data live in a
folder of ours below ``/var/lib/countersign``, and no mode outside it ever changes.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.services.errors import CannotStart

ROOTS_HOME = Path("/var/lib/countersign")
UNPRIVILEGED = "nobody"
LONGEST_SOCKET = 100  # bytes; the kernels allow 107 (Linux) and 103 (macOS)
CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Places:
    """The folders of one set of services; ``var`` is the folder that the person sees."""

    var: Path
    user: str | None

    @classmethod
    def of(cls, var: Path) -> "Places":
        """Return the places for ``var`` and the user who runs this process."""
        return cls(var.resolve(), UNPRIVILEGED if os.geteuid() == 0 else None)

    @property
    def home(self) -> Path:
        """The folder that holds the servers' data: ``var`` itself, for root one of ours."""
        return ROOTS_HOME / self.digest if self.user else self.var

    @property
    def digest(self) -> str:
        """A short name for ``var`` that no other folder has."""
        return hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def record(self) -> Path:
        return self.var / "services.json"

    @property
    def sockets(self) -> Path:
        """The folder of the Unix sockets, short enough for the kernel."""
        usual = self.home / "run"
        if len(os.fsencode(usual / ".s.PGSQL.65535")) <= LONGEST_SOCKET:
            return usual
        return Path(tempfile.gettempdir()) / f"countersign-{os.geteuid()}-{self.digest}"

    def prepare(self) -> None:
        """Make the folders; raise `CannotStart` where they cannot be written."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self.home.mkdir(parents=True, exist_ok=True)
            if self.user:
                (self.home / "for").write_text(f"{self.var}\n")
            self.own(self.sockets)
        except OSError as error:
            raise CannotStart(
                f"cannot write {error.filename or self.var} ({error.strerror}): "
                "use a checkout that you may write to, or name another folder with VAR_DIR=/path."
            ) from None

    def own(self, folder: Path) -> None:
        """Make ``folder``, closed to everybody but the servers' user; refuse one that another user made."""
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = pwd.getpwnam(self.user).pw_uid if self.user else os.geteuid()
        found = folder.lstat().st_uid
        if found not in {owner, os.geteuid()} or folder.is_symlink():
            raise CannotStart(f"{folder} belongs to another user: remove it and start again.")
        if self.user and found != owner:
            shutil.chown(folder, self.user, pwd.getpwnam(self.user).pw_gid)
        folder.chmod(0o700)

    def forget(self) -> list[Path]:
        """Remove everything in these places; return the folders that were there."""
        there = [folder for folder in {self.home, self.sockets, self.var} if folder.exists()]
        for folder in there:
            shutil.rmtree(folder, ignore_errors=True)
        return there


@contextmanager
def claimed(places: Places, name: str) -> Iterator[None]:
    """Hold ``name`` for this process alone; raise `InUse` while another living process holds it.

    The kernel releases the lock when the holder dies, however it dies.
    """
    path = places.var / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+")
    except OSError as error:
        raise CannotStart(
            f"cannot write {path.parent} ({error.strerror}): use a checkout that you may write to, "
            "or name another folder with VAR_DIR=/path."
        ) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            raise InUse(handle.read().strip() or "?") from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


class InUse(Exception):
    """Another process holds the name; ``pid`` says which."""

    def __init__(self, pid: str) -> None:
        super().__init__(pid)
        self.pid = pid
