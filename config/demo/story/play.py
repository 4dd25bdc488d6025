"""The order of the chapters; one that breaks does not end the others."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

from config.demo.story import (
    casting,
    deciding,
    failing,
    ledger,
    paying,
    seeing,
    spending,
    stopping,
    surviving,
    undoing,
    whole,
)
from config.demo.story.report import Report
from config.demo.story.scene import Scene

DEADLINE: Final = 180


class TimeUp(BaseException):
    """The story took too long."""


def play() -> int:
    """Play everything within the deadline, print the report and return the exit status."""
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(DEADLINE)
    report = Report()
    try:
        report.header()
        cast = casting.engage()
        try:
            _chapters(Scene.set_up(report, cast))
        finally:
            casting.dismiss(cast)
    except TimeUp as late:
        report.broke(late)
    finally:
        signal.alarm(0)
    return report.close()


def _chapters(scene: Scene) -> None:
    _chapter(scene, "Signing in", lambda: seeing.signing_in(scene))
    _chapter(scene, "A ticket, two countersigned actions, and back", lambda: _there_and_back(scene))
    _chapter(scene, "A program, a reason, an answer, a drifted row", lambda: _by_a_program(scene))
    _chapter(scene, "A refund by two", lambda: paying.refunded(scene))
    _chapter(scene, "One ticket with everything in it", lambda: whole.whole(scene, casting.DESK))
    _chapter(scene, "Once more, with a model server that fails", lambda: failing.once_more(scene))
    _chapter(scene, "A model server that lets nobody in", lambda: failing.locked_out(scene))
    _chapter(scene, "Two people at once", lambda: deciding.two_at_once(scene))
    _chapter(scene, "The world moves", lambda: stopping.world_moved(scene))
    _chapter(scene, "Everything stops", lambda: stopping.whole_workspace(scene))
    _chapter(scene, "Limits", lambda: stopping.limits(scene))
    _chapter(scene, "A budget in money", lambda: spending.budget(scene))
    _chapter(scene, "In doubt", lambda: surviving.in_doubt(scene))
    _chapter(scene, "A killed worker", lambda: surviving.killed_worker(scene))
    _chapter(scene, "The ledger", lambda: ledger.ledger(scene))


def _there_and_back(scene: Scene) -> None:
    run_id, customer = deciding.main_job(scene)
    undoing.rolled_back(scene, run_id, customer)
    stopping.follow_up(scene, run_id, customer)


def _by_a_program(scene: Scene) -> None:
    run_id, customer = deciding.by_a_program(scene)
    undoing.drifted(scene, run_id, customer)


def _chapter(scene: Scene, title: str, play: Callable[[], object]) -> None:
    scene.report.chapter(title)
    try:
        play()
    except Exception as error:  # whatever broke, the other chapters still say what they see
        scene.report.broke(error)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeUp(f"it took more than {DEADLINE} s")
