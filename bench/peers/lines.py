"""Connection kind ``lines``: a file to which a line is added at most once, as the effect that the workloads count.

``conditional``: the file is the system, and adding a line holds its lock and looks whether the line stands there
already. Whoever repeats it changes nothing, and whoever asks afterwards finds out whether it happened.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tools.connectors.base import Done, Drifted, NotSent, Operation, Probe, Target
from tools.connectors.registry import register
from tools.states import Effect, Idempotency

Json = dict[str, Any]
NOTHING: Json = {"type": "object", "additionalProperties": False}


class Add:
    """Add the line of a run's step. It cannot be undone: nobody takes lines out of this file."""

    name: ClassVar[str] = "lines.add"
    effect: ClassVar[Effect] = Effect.IRREVERSIBLE
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.CONDITIONAL

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return the two numbers that a line is made of."""
        numbers = {"run": {"type": "integer"}, "step": {"type": "integer"}}
        return {"type": "object", "properties": numbers, "required": ["run", "step"], "additionalProperties": False}

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return None: there is nothing to look at before a line that is not there."""
        return None

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Add the line unless it stands there; give about a kilobyte back, as the peers' steps do."""
        line = _line(arguments)
        with _file(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as file:
            if _holds(file, line):
                raise Drifted("The line stands in the file already.", {"line": line.decode().strip()})
            os.write(file, line)
        return Done({**arguments, "data": _blob(line)})

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return None: the file's answer to the condition is all there is to read."""
        return None

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Find out whether the line stands in the file."""
        with _file(os.O_RDONLY | os.O_CREAT, fcntl.LOCK_SH) as file:
            happened = _holds(file, _line(arguments))
        return Probe(happened, "The line stands in the file." if happened else "The line does not stand in the file.")

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: there is no undo."""
        return None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return None: nothing is compared."""
        return None


def _blob(seed: bytes) -> str:
    """Return 960 characters that hardly compress, as the peers' steps give them."""
    return base64.b64encode(hashlib.shake_128(seed).digest(720)).decode()


def _line(arguments: Mapping[str, Any]) -> bytes:
    return f"{arguments['run']}:{arguments['step']}\n".encode()


def _holds(file: int, line: bytes) -> bool:
    return b"\n" + line in b"\n" + os.pread(file, os.fstat(file).st_size, 0)


@contextmanager
def _file(flags: int, lock: int) -> Iterator[int]:
    name = os.environ.get("BENCH_SIDE_EFFECTS")
    if not name:
        raise NotSent("This process was not told of the file.")
    file = os.open(name, flags | os.O_APPEND, 0o644)
    try:
        fcntl.flock(file, lock)
        yield file
    finally:
        os.close(file)


class Lines:
    """The file that ``BENCH_SIDE_EFFECTS`` names."""

    kind: ClassVar[str] = "lines"
    title: ClassVar[str] = "A file of lines"
    config_schema: ClassVar[Json] = NOTHING
    secret_schema: ClassVar[Json] = NOTHING
    operations: ClassVar[Mapping[str, Operation]] = {Add.name: Add()}

    def check(self, target: Target) -> str:
        """Say that the file can be opened."""
        with _file(os.O_RDONLY | os.O_CREAT, fcntl.LOCK_SH):
            return "The file can be opened."


register(Lines())
