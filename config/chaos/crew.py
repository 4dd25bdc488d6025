"""The processes that are killed and frozen: Celery workers as deployed, one with a wrong clock, and two schedulers."""

import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

from agents.engine.workers import living_workers
from config.chaos.house import House
from config.chaos.people import attempted
from config.services import processes
from config.services.places import CHECKOUT
from config.services.running import say

SKEW: Final = 3600
QUIET: Final = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
SCHEDULERS: Final = ("scheduler-a", "scheduler-b")


@dataclass
class Member:
    """One place in the crew; whoever holds it dies and is replaced. Each life has a log of its own."""

    name: str
    command: list[str]
    lives: int = 0
    child: processes.Child | None = None
    back_at: float = 0.0
    frozen_until: float = 0.0

    @property
    def is_worker(self) -> bool:
        return self.name.startswith("worker")

    @property
    def number(self) -> int:
        """The number of the process that lives now; 0 where there is none."""
        return self.child.process.pid if self.child is not None and self.child.is_alive else 0

    @property
    def is_up(self) -> bool:
        return self.child is not None and self.child.is_alive


@dataclass
class Crew:
    """All members; ``kills`` counts deaths that we caused."""

    house: House
    workers: int
    members: list[Member] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        names = [f"worker-{chr(ord('a') + number)}" for number in range(self.workers)]
        self.members = [Member(name, worker(name, skewed=name == names[-1])) for name in names]
        self.members += [Member(name, [sys.executable, "manage.py", "scheduler"]) for name in SCHEDULERS]

    def start_missing(self) -> None:
        """Start whoever is due to come back, and who ended without our doing, which is said."""
        for member in self.members:
            if member.child is not None and not member.child.is_alive and member.back_at == 0:
                say(f"  {member.name} ended by itself ({member.child.process.returncode}): {member.child.log}")
                member.back_at = time.monotonic()
            if not member.is_up and time.monotonic() >= member.back_at:
                self._start(member)

    def _start(self, member: Member) -> None:
        member.lives += 1
        log = self.house.cluster.places.logs / f"{member.name}-{member.lives}.log"
        member.child = processes.start(
            member.name, member.command, log=log, environment=self.house.environment, folder=CHECKOUT
        )
        member.back_at = member.frozen_until = 0.0

    def kill(self, member: Member, back_after: float) -> None:
        """Kill it as ``kill -9`` does; another takes its place after some seconds."""
        if member.child is not None and member.is_up:
            member.back_at = time.monotonic() + back_after
            member.child.process.kill()
            member.child.process.wait()
            member.frozen_until = 0.0
            self.kills += 1

    def freeze(self, member: Member, seconds: float) -> None:
        """Stop it where it stands for some seconds, in whatever transaction or call it is.

        It thaws from a thread of its own: what it has locked may hold up whoever waits for that moment.
        """
        if member.child is not None and member.is_up and not member.frozen_until:
            process = member.child.process
            process.send_signal(signal.SIGSTOP)
            member.frozen_until = time.monotonic() + seconds
            thaw = threading.Timer(seconds, process.send_signal, [signal.SIGCONT])
            thaw.daemon = True
            thaw.start()

    def ready(self) -> list[Member]:
        """Return the workers that work and are not frozen: to kill one that still starts proves nothing."""
        found: list[str] = []
        attempted(lambda: found.extend(living_workers().values_list("name", flat=True)))
        numbers = {name.rsplit(":", 1)[1] for name in found}
        workers = [member for member in self.members if member.is_worker and not member.frozen_until]
        return [member for member in workers if str(member.number) in numbers]

    @property
    def calm_since(self) -> float:
        """The moment at which the last frozen one thawed, or will."""
        return max(member.frozen_until for member in self.members)

    def forget_thawed(self) -> None:
        """Let those who have thawed for a while be frozen again."""
        for member in self.members:
            if member.frozen_until and time.monotonic() > member.frozen_until + 5:
                member.frozen_until = 0.0

    def stop(self) -> None:
        """End everybody."""
        for member in self.members:
            if member.child is not None and member.is_up:
                member.child.process.send_signal(signal.SIGCONT)
                member.child.process.kill()
                member.child.stop()


def worker(name: str, *, skewed: bool) -> list[str]:
    """Return the command of a worker as ``docs/Procfile`` has it; ``skewed`` where time can be made wrong here."""
    options = ["-A", "config.celery", "worker", "--pool", "threads", "--hostname", f"{name}@%h", *QUIET]
    if skewed and find_spec("time_machine") is not None:
        return [sys.executable, "-m", "config.chaos.skewed", str(SKEW), *options]
    return [sys.executable, "-m", "celery", *options]
