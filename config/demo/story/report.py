"""What was promised and what was seen, one line each."""

import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

PROMISED: Final = 70
SEEN: Final = 70
LOOK_EVERY: Final = 0.15
PATIENCE: Final = 25.0

Found = TypeVar("Found")


class NotSeen(Exception):
    """Something that had to come did not."""


@dataclass
class Report:
    """The table, printed as it grows; ``failures`` counts the lines that differ."""

    began: float = field(default_factory=time.monotonic)
    lines: int = 0
    failures: int = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        rest = f" {time.monotonic() - self.began:.0f} s"
        self._say(f"\n{title} {'-' * max(PROMISED + SEEN + 4 - len(title) - len(rest), 3)}{rest}")

    def check(self, promised: str, seen: object, expected: object = True) -> None:
        """Add one line; it is right where ``seen`` equals ``expected``."""
        ok = seen == expected
        words = _words(seen) if ok else f"{_words(seen)} instead of {_words(expected)}"
        self._line(promised, words, ok)

    def find(self, promised: str, wanted: str, text: str) -> None:
        """Add one line; it is right where ``text`` contains ``wanted``."""
        self._line(promised, text if wanted in text else f"{wanted!r} is not in {text!r}", wanted in text)

    def broke(self, error: BaseException) -> None:
        """Add the line of a chapter that could not be played to its end."""
        self._line("The chapter is played to its end", f"{type(error).__name__}: {error}", False)

    def close(self) -> int:
        """Print the last line and return the exit status."""
        seconds = time.monotonic() - self.began
        self._say(f"\n{self.lines} promises, {self.failures} broken, {seconds:.0f} s")
        return 1 if self.failures else 0

    def _line(self, promised: str, seen: str, ok: bool) -> None:
        self.lines += 1
        self.failures += not ok
        left = textwrap.wrap(promised, PROMISED)
        right = textwrap.wrap(" ".join(seen.split())[:600], SEEN) or [""]
        for number in range(max(len(left), len(right))):
            one, other = (part[number] if number < len(part) else "" for part in (left, right))
            mark = ("ok" if ok else "NO") if number == 0 else ""
            self._say(f"{one:<{PROMISED}} | {other:<{SEEN}} | {mark}".rstrip())

    def header(self) -> None:
        """Print the table's head."""
        self._say(f"{'promised':<{PROMISED}} | {'seen':<{SEEN}} | ok")

    @staticmethod
    def _say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _words(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def until(look: Callable[[], Found], what: str, *, seconds: float = PATIENCE) -> Found:
    """Look until there is something to see, and return it; raise :class:`NotSeen` after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise NotSeen(f"{what}: not within {seconds:.0f} s")
        time.sleep(LOOK_EVERY)


def during(seconds: float, look: Callable[[], Found]) -> set[Found]:
    """Return everything that was seen within ``seconds``: to find that something does not happen."""
    end, seen = time.monotonic() + seconds, set()
    while time.monotonic() < end:
        seen.add(look())
        time.sleep(LOOK_EVERY)
    return seen
