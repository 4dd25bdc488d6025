"""Killed before and after its commits, whichever they are: whoever adds a commit to the engine adds a case here.

The failpoints name the borders that we know of. This counts the commits of the whole classic story, people's part
included, and kills the process at one after the other: just before it is sent, and just after it was made.
``HYPOTHESIS_PROFILE=search`` tries all of them, the usual tests one in some.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from uuid import UUID

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from agents.models import Run
from tests.integration.crashes.conftest import Theatre, killed
from tests.integration.crashes.test_failpoints import answer_all, begin, state
from tools.models import ActionAttempt

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 9
WRITES = ("INSERT", "UPDATE", "DELETE")
FEWEST = 40
"""The story has more commits than that: a count of fewer has not counted them."""
ROUNDS = 6


@contextmanager
def around_commits(act: Callable[[bool], object]) -> Iterator[None]:
    """Call ``act`` before (False) and after (True) each commit, also of statements that are one by themselves."""
    ordinary = BaseDatabaseWrapper._commit

    def _commit(self: BaseDatabaseWrapper) -> None:
        act(False)
        ordinary(self)
        act(True)

    def alone(execute, statement, *rest):
        own = not connection.in_atomic_block and str(statement).lstrip().upper().startswith(WRITES)
        if own:
            act(False)
        done = execute(statement, *rest)
        if own:
            act(True)
        return done

    BaseDatabaseWrapper._commit = _commit
    try:
        with connection.execute_wrapper(alone):
            yield
    finally:
        BaseDatabaseWrapper._commit = ordinary


def story(theatre: Theatre) -> None:
    """Play the classic ticket to its end: a person begins it, workers carry it on, people answer."""
    run = begin(theatre)
    theatre.desk.rest(run)
    answer_all(theatre, run)
    theatre.desk.rest(run)


def counted(theatre: Theatre) -> int:
    """Return the number of commits of the story."""
    total = multiprocessing.get_context("fork").Value("i", 0)

    def note(after: bool) -> None:
        total.value += after

    def play() -> None:
        with around_commits(note):
            story(theatre)

    assert not killed(play)
    return int(total.value)


def die(theatre: Theatre, number: int, *, after: bool) -> bool:
    """Play the story in a process that is killed before or after its commit ``number``."""
    seen = count(1)

    def act(now_after: bool) -> None:
        if now_after == after and next(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def play() -> None:
        with around_commits(act):
            story(theatre)

    return killed(play)


def anew(theatre: Theatre) -> None:
    """Let the customer, the CRM's notes and the mailbox be as before the story."""
    theatre.desk.crm.change(theatre.customer, tier="standard")
    theatre.desk.crm.connection.execute("DELETE FROM changes")
    theatre.desk.mailbox.messages.clear()


def finish(theatre: Theatre, over: set[UUID]) -> Run:
    """Let the living carry on what the dead one left; begin it where nothing of it was committed."""
    theatre.bury()
    run = Run.objects.exclude(pk__in=over).first() or begin(theatre)
    for _ in range(ROUNDS):
        theatre.rest(run)
        answer_all(theatre, run)
    run.refresh_from_db()
    return run


def test_invariant_04_killed_before_and_after_every_commit(theatre):
    total = counted(theatre)
    assert total > FEWEST
    over = set(Run.objects.values_list("pk", flat=True))
    for number in range(1, total + 1, EVERY):
        for after in (False, True) if EVERY == 1 else [number % 2 == 0]:
            anew(theatre)
            assert die(theatre, number, after=after), f"there is no commit {number}"
            run = finish(theatre, over)
            where = f"{'after' if after else 'before'} commit {number} of {total}"
            assert (run.status, state(theatre, run)) == ("succeeded", ("succeeded", 1, 1)), where
            assert (run.open_steps, run.steps_used) == (0, run.steps.count()), where
            assert not ActionAttempt.objects.filter(action__run_id=run.id, kind="execute", outcome="started").exists()
            over.add(run.pk)
