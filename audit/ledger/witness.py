"""Offers every seal to a place that the database's owner does not rule: a file that is appended to.

A seal that someone else kept is what makes replacing the whole ledger visible. The witness never blocks: what could
not be written is logged, counted as lag, and offered again with the next seal.
"""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from audit.ledger.contents import seal_line
from audit.ledger.models import Seal

logger = logging.getLogger(__name__)

LATER = f"""
SELECT seal.* FROM {Seal._meta.db_table} seal
LEFT JOIN unnest(%s::uuid[], %s::int[]) AS held (workspace_id, number) USING (workspace_id)
WHERE held.number IS NULL OR seal.number > held.number ORDER BY seal.at, seal.number
"""  # noqa: S608 - the table's own name
"""Seals above those that the file holds without a gap, whatever the number of workspaces."""


@dataclass
class WitnessFile:
    """A file of JSON lines, one a seal; remembers what it has read of it."""

    path: Path
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    torn: int = 0
    heights: dict[str, int] = field(default_factory=dict)
    _offset: int = 0
    _inode: int = 0

    def read(self) -> None:
        """Take in the whole lines that were appended since the last time; begin anew where it is another file."""
        if not self.path.exists():
            self._forget(inode=0)
            return
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._inode or status.st_size < self._offset:
                self._forget(inode=status.st_ino)
            file.seek(self._offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                self._offset += len(raw)
                self._take(raw)

    def append(self, seals: list[Seal]) -> None:
        """Write the seals that the file lacks and force them to the disk; raise ``OSError`` where that fails."""
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._end_torn_line(file.fileno())
            self.read()
            new = [seal for seal in seals if (str(seal.workspace_id), seal.number) not in self.seen]
            file.write(b"".join(json.dumps(seal_line(seal)).encode() + b"\n" for seal in new))
            file.flush()
            os.fsync(file.fileno())
        self.read()

    def lacking(self) -> list[Seal]:
        """Return the seals that the file does not hold yet, oldest first."""
        found = Seal.objects.raw(LATER, [list(self.heights), list(self.heights.values())])
        return [seal for seal in found if (str(seal.workspace_id), seal.number) not in self.seen]

    def _take(self, raw: bytes) -> None:
        try:
            line: Any = json.loads(raw)
            workspace, number, digest = str(UUID(line["workspace"])), int(line["number"]), str(line["digest"])
        except (ValueError, KeyError, TypeError, AttributeError):
            self.torn += 1
            return
        self.seen.setdefault((workspace, number), digest)
        height = self.heights.get(workspace, 0)
        while (workspace, height + 1) in self.seen:
            height += 1
        self.heights[workspace] = height

    def _forget(self, inode: int) -> None:
        self.seen, self.heights, self.torn, self._offset, self._inode = {}, {}, 0, 0, inode

    @staticmethod
    def _end_torn_line(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")


_known: dict[Path, WitnessFile] = {}
_lock = threading.Lock()


def offer() -> None:
    """Write every seal that the witness lacks; log a failure and leave it for the next time."""
    path = witness_path()
    if path is None:
        return
    try:
        with _lock:
            witness = _current(path)
            if seals := witness.lacking():
                witness.append(seals)
    except OSError as error:
        logger.error("The witness cannot be written, and lags behind until it can: %s", error)


def lag() -> int:
    """Return how many seals the witness lacks: 0 without a witness, all of them where it cannot be read."""
    path = witness_path()
    if path is None:
        return 0
    try:
        with _lock:
            return len(_current(path).lacking())
    except OSError:
        return Seal.objects.count()


def witnessed() -> dict[UUID, dict[int, str]]:
    """Return the digests of all witnessed seals by workspace and number; raise ``OSError`` if it cannot be read."""
    path = witness_path()
    found: dict[UUID, dict[int, str]] = {}
    if path is not None:
        witness = WitnessFile(path)
        witness.read()
        for (workspace, number), digest in witness.seen.items():
            found.setdefault(UUID(workspace), {})[number] = digest
    return found


def held(workspace_id: UUID, numbers: Iterable[int]) -> dict[int, str] | None:
    """Return the digests that the witness holds of these seals, None where there is none; an unreadable one raises."""
    path = witness_path()
    if path is None:
        return None
    with _lock:
        seen = _current(path).seen
        return {number: seen[str(workspace_id), number] for number in numbers if (str(workspace_id), number) in seen}


def witness_path() -> Path | None:
    """Return the file that ``settings.LEDGER_WITNESS_FILE`` names, or None where there is no witness."""
    path = getattr(settings, "LEDGER_WITNESS_FILE", "")
    return Path(path) if path else None


def _current(path: Path) -> WitnessFile:
    witness = _known.setdefault(path, WitnessFile(path))
    witness.read()
    return witness
