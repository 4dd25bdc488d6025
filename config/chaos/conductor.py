"""One crash test from its first ticket to its books: tickets, troubles and answers side by side, then peace."""

import time
from dataclasses import dataclass, field
from typing import Final

from agents.models import Run, Step
from agents.states import RUN_TERMINAL, StepStatus
from approvals.models import Request
from config.chaos.books import Books
from config.chaos.crew import Crew
from config.chaos.house import House
from config.chaos.options import Options
from config.chaos.people import People, attempted
from config.chaos.troubles import KINDS, Trouble, Troubles
from config.services.running import say

TICK: Final = 0.1
EVERY: Final = 5.0
OPEN_AT_ONCE: Final = 60
LONGEST_ABSENCE: Final = 2.0
STARTING: Final = 120.0
PEACE: Final = 120.0
"""Seconds, and one more a run: whatever moves no more after so long of peace does not move."""
FROZEN: Final = (5.0, 9.0)
"""Past the lease of ``WORKER_DEAD_AFTER_SECONDS``, which the house sets to 4."""


@dataclass
class Conductor:
    """Whoever decides what happens next, for one seed and the tickets from ``first`` on."""

    options: Options
    house: House
    crew: Crew
    people: People
    seed: int
    first: int = 1
    begun: int = 0
    told: float = 0.0
    paused_until: float = 0.0
    hits: dict[str, int] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.since

    def begin(self) -> None:
        """Wait until everybody works; only then does the time begin."""
        deadline = time.monotonic() + STARTING
        while len(self.crew.ready()) < self.options.workers and time.monotonic() < deadline:
            self.crew.start_missing()
            self.crew.forget_thawed()
            time.sleep(TICK)
        self.since = time.monotonic()

    def make_trouble(self) -> None:
        """Take tickets in and make trouble of every kind, until the time is over and every run has begun.

        A trouble that would hit a worker waits until one is there to be hit.
        """
        troubles = Troubles(self.seed)
        trouble, struck = troubles.make(), self.elapsed
        while self._troubled():
            if self.elapsed > struck + trouble.after and self.strike(trouble):
                trouble, struck = troubles.make(), self.elapsed
            self.tick()

    def _troubled(self) -> bool:
        """Say whether the time is not over, a ticket is still to come, or a kind of trouble."""
        coming = self.begun < self.options.runs or self.hits.keys() != KINDS.keys()
        return coming or self.elapsed < self.options.seconds

    def tick(self) -> None:
        """Do what is due; then wait a moment."""
        self.crew.start_missing()
        self.crew.forget_thawed()
        if self.paused_until and time.monotonic() > self.paused_until and self.people.release():
            self.paused_until = 0.0
        if self._a_ticket_is_due() and self.people.begin(self.first + self.begun):
            self.begun += 1
        self.people.answer(self.crew.calm_since)
        self.report()
        time.sleep(TICK)

    def _a_ticket_is_due(self) -> bool:
        """Spread the tickets over the time of trouble, and let no more than some be open at once."""
        by_now = self.options.runs * min(1.0, self.elapsed / (0.8 * self.options.seconds))
        return self.begun < by_now and self._open() < OPEN_AT_ONCE

    def _open(self) -> int:
        found: list[int] = []
        attempted(lambda: found.append(Run.objects.exclude(status__in=RUN_TERMINAL).count()))
        return found[0] if found else OPEN_AT_ONCE

    def strike(self, trouble: Trouble) -> bool:
        """Let one trouble happen; return False where nobody is there to be hit yet."""
        schedulers = [member for member in self.crew.members if not member.is_worker]
        hit = self.crew.ready() if "worker" in trouble.kind else schedulers
        if not hit:
            return False
        self.hits[trouble.kind] = self.hits.get(trouble.kind, 0) + 1
        one = hit[int(trouble.chance * 1000) % len(hit)]
        match trouble.kind:
            case "kill a worker" | "kill a scheduler":
                self.crew.kill(one, LONGEST_ABSENCE * trouble.chance)
            case "kill all workers and empty the broker":
                for member in hit:
                    self.crew.kill(member, LONGEST_ABSENCE * trouble.chance)
                self.house.empty_broker()
            case "freeze a worker past its lease" | "freeze a scheduler":
                low, high = FROZEN
                self.crew.freeze(one, low + (high - low) * trouble.chance)
            case "pause everything":
                self.people.pause()
                self.paused_until = time.monotonic() + 1 + 2 * trouble.chance
            case "send messages again":
                self.people.send_again(trouble.chance)
            case _:
                self._strike_server(trouble.kind)
        return True

    def _strike_server(self, kind: str) -> None:
        if kind == "empty the broker":
            self.house.empty_broker()
            return
        self.crew.kills += 1
        if kind == "restart the broker":
            self.house.restart_broker()
        else:
            self.house.restart_database()

    def make_peace(self) -> float:
        """Let everything come to rest; return how many seconds that took."""
        began, patience = time.monotonic(), PEACE + self.options.runs
        say(f"Peace after {self.elapsed:.0f} s and {self.crew.kills} kills")
        while self._restless() and time.monotonic() < began + patience:
            self.tick()
        return time.monotonic() - began

    def _restless(self) -> bool:
        """Say whether something still moves, or waits for anything but an answer that was left open on purpose."""
        found: list[bool] = []

        def look() -> None:
            named = Request.objects.open().filter(pk__in=self.people.left_open).values("run_id")
            live = Run.objects.exclude(status__in=RUN_TERMINAL)
            unanswered = Request.objects.open().exclude(pk__in=self.people.left_open)
            moving = Step.objects.filter(run__in=live, status__in=[StepStatus.READY, StepStatus.RUNNING])
            found.append(live.exclude(pk__in=named).exists() or unanswered.exists() or moving.exists())

        attempted(look)
        return not found or found[0]

    def report(self) -> None:
        """Say now and then how it goes."""
        if self.elapsed < self.told + EVERY:
            return
        self.told = self.elapsed
        live, waiting = self._open(), len(self.people.left_open)
        say(
            f"{self.elapsed:4.0f} s: {self.begun} of {self.options.runs} runs begun, {live} open, "
            f"{waiting} doubts left open; {self.crew.kills} kills"
        )

    def close_the_books(self) -> Books:
        """Compare what happened with what is on record."""
        books = Books(self.options.runs)
        effects = self.house.outside.effects()
        for number in range(self.first, self.first + self.options.runs):
            books.check_run(number, effects)
        events = books.check_ledger(self.people.stage.desk.workspace.id)
        happened = sum(effects.changes.values()) + sum(effects.sent.values())
        say(f"{happened} effects outside, {events} events in the ledger; troubles: {self._troubles()}")
        return books

    def _troubles(self) -> str:
        return ", ".join(f"{kind} {number}x" for kind, number in sorted(self.hits.items()))
