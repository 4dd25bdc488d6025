"""Which process reaches which failpoint, and that one killed there is replaced: worker, web and sweeper.

A table says where each role comes by and why it does not come by the others; the story below, played by all three with
every point recorded, proves the table. ``test_failpoints.py`` kills workers at every point of a step; here the web
process and the sweeper die. Killing is ``SIGKILL`` to oneself: nothing runs after it, as after ``os._exit(137)``.
"""

import pytest

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import Run, Step
from agents.operations import start_run
from audit.operations import create_endpoint, ping
from audit.webhooks.claims import claim_due
from audit.webhooks.courier import deliver
from memory.engine import reembed
from memory.operations import begin_reembedding
from tests.factories import SETUP
from tests.integration.crashes.computing import begin_computing, computing_agent, ride_on, schedule_computing
from tests.integration.crashes.test_failpoints import Case, answer_all, begin, check_end, finish, state
from tests.integration.knowledge.conftest import collection, document, letters
from tests.integration.webhooks.conftest import plan, receiver
from workspaces.failpoints import Failpoint as F
from workspaces.failpoints import acting

__all__ = ["letters", "receiver"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
STEPS = frozenset({
    F.STEP_CLAIMED, F.MODEL_ASKING, F.MODEL_ANSWERED, F.MODEL_RECORDED, F.LOOK_BEGUN, F.LOOK_TAKEN, F.ACTION_JUDGED,
    F.ACTION_INTENDED, F.ACTION_EFFECTED, F.ACTION_CONCLUDED, F.DOUBT_RAISED, F.DOUBT_PROBED,
})  # fmt: skip
LANE = frozenset({F.LANE_TAKEN, F.LANE_THOUGHT, F.LANE_WRITTEN})
SWEEPS = frozenset({F.SWEEP_STARTED, F.STEP_HANDED_BACK, F.HINTS_NOTED})
TIMES = frozenset({F.SCHEDULE_STARTED})
BACKGROUND = frozenset({F.BATCH_EMBEDDED, F.BATCH_STORED, F.WEBHOOK_SENT})
PEOPLE = frozenset({F.RUN_BEGUN, F.REQUEST_DECIDED})
REACHES = {
    "worker": STEPS | LANE,
    "web": PEOPLE | {F.STEP_WAKING},
    "sweeper": SWEEPS | TIMES | BACKGROUND | {F.STEP_WAKING, F.RUN_BEGUN},
}
"""The sweeper is a thread of every worker process, and ``manage.py scheduler`` alone: as a role it is one."""
REASONS = {
    ("worker", PEOPLE): "people begin runs and decide in the web process only",
    ("worker", SWEEPS | TIMES | BACKGROUND): "these are threads of their own beside the work",
    ("worker", frozenset({F.STEP_WAKING})): "whoever carries a run on wakes none: whoever answers does, or the sweep",
    ("web", STEPS | LANE): "the web process carries out no step",
    ("web", SWEEPS | TIMES | BACKGROUND): "the web process sweeps nothing, and has none of these threads",
    ("sweeper", STEPS | LANE): "the sweep hands back and tells, and leaves the work to workers",
    ("sweeper", frozenset({F.REQUEST_DECIDED})): "nobody talks to the sweeper",
}
"""Why a role never reaches a point."""


class Ledger:
    """Notes who reached what."""

    def __init__(self) -> None:
        self.reached: dict[str, set[F]] = {role: set() for role in REACHES}

    def watch(self, role: str, work):
        """Do ``work`` as ``role``."""
        with acting(self.reached[role].add):
            return work()


def carry(run) -> None:
    while drive(run.id):
        pass


def look_after() -> None:
    sweep(lambda _run: None)


def background(cast, receiver) -> None:
    """Do a round of the sweeper's other threads: webhooks and re-embedding."""
    for claim in claim_due(16):
        deliver(claim)
    reembed()


def prepare(cast, receiver) -> None:
    """Leave something for those threads to do."""
    made = create_endpoint(workspace=cast.workspace, url=receiver.url, by=cast.owner, verbs=["webhook_endpoint.pinged"])
    ping(endpoint=made.endpoint, by=cast.owner)
    plan()
    shelf = collection(cast)
    document(shelf)
    begin_reembedding(collection=shelf, model="letters", by=SETUP)


def test_each_role_reaches_what_the_table_says_and_nothing_else(theatre, receiver, letters, settings):
    notes, desk = Ledger(), theatre.desk
    settings.OUTBOUND_ALLOWED = [
        *settings.OUTBOUND_ALLOWED,
        *(f"{c.config['host']}:{c.config['port']}" for c in (desk.desk.crm, desk.desk.mail)),
    ]
    prepare(desk.cast, receiver)
    run = notes.watch("web", lambda: begin(theatre))
    notes.watch("worker", lambda: carry(run))
    assert theatre.perform(lambda: answer_all(theatre, run), F.REQUEST_DECIDED)
    notes.watch("sweeper", look_after)
    assert theatre.perform(lambda: carry(run), F.ACTION_EFFECTED)
    notes.watch("sweeper", look_after)
    notes.watch("worker", lambda: carry(run))
    notes.watch("web", lambda: answer_all(theatre, run))
    assert theatre.perform(lambda: carry(run), F.ACTION_EFFECTED)
    notes.watch("sweeper", look_after)
    notes.watch("worker", lambda: carry(run))
    notes.watch("web", lambda: answer_all(theatre, run))
    notes.watch("worker", lambda: carry(run))
    notes.watch("sweeper", lambda: background(desk.cast, receiver))
    computing = computing_agent(desk.cast)
    begin_computing(desk.cast, computing)
    schedule_computing(desk.cast, computing)
    notes.watch("sweeper", look_after)
    notes.watch("worker", ride_on)
    run.refresh_from_db()
    assert (run.status, state(theatre, run)) == ("succeeded", ("succeeded", 1, 1))
    assert notes.reached == {role: set(points) for role, points in REACHES.items()}


@pytest.mark.parametrize("point", sorted(LANE))
@pytest.mark.parametrize("nth", [1, 2])
def test_invariant_06_worker_killed_on_the_lane(theatre, point, nth):
    """Whatever of a round was committed stays, and nothing of it is done again: the runs end by another's hand."""
    cast = theatre.desk.cast
    runs = begin_computing(cast, computing_agent(cast))
    assert theatre.perform(ride_on, point, nth)
    while not sweep(lambda _run: None):
        pass
    ride_on()
    ended = Run.objects.filter(pk__in=[run.id for run in runs])
    assert {(run.status, run.steps_used, run.outcome["result"]) for run in ended} == {("succeeded", 3, 2)}
    assert set(Step.objects.filter(run__in=runs).values_list("status", flat=True)) == {"succeeded"}


@pytest.mark.parametrize("role", REACHES)
def test_every_failpoint_is_reached_or_has_its_reason(role):
    explained = [point for (who, points), why in REASONS.items() if who == role and why for point in points]
    assert sorted([*explained, *REACHES[role]]) == sorted(F)


@pytest.mark.parametrize(
    ("point", "nth"),
    [(F.RUN_BEGUN, 1), (F.REQUEST_DECIDED, 1), (F.REQUEST_DECIDED, 2), (F.STEP_WAKING, 1), (F.STEP_WAKING, 2)],
)
def test_invariant_07_web_process_killed_at(theatre, point, nth):
    """It dies after a commit, before it could tell anybody: the sweep finds what there is to do."""
    if point == F.RUN_BEGUN:
        assert theatre.perform(lambda: begin(theatre), point)
        run = Run.objects.get()
    else:
        run = begin(theatre)
        theatre.rest(run)
        assert theatre.perform(lambda: answer_all(theatre, run), point, nth)
    check_end(theatre, finish(theatre, run), Case(point))


def test_the_web_process_dies_wherever_it_comes_by():
    marks = test_invariant_07_web_process_killed_at.pytestmark
    assert {point for point, _ in marks[0].args[1]} == REACHES["web"]


@pytest.mark.parametrize("point", sorted(SWEEPS | {F.STEP_WAKING}))
def test_invariant_07_sweeper_killed_at(theatre, point):
    """It dies with a dead worker's step, or people's answers, half dealt with; another one deals with the rest."""
    run = begin(theatre)
    told: list = []
    if point == F.STEP_HANDED_BACK:
        assert theatre.perform(lambda: carry(run), F.MODEL_ANSWERED)
    elif point == F.STEP_WAKING:
        carry(run)
        assert theatre.perform(lambda: answer_all(theatre, run), F.REQUEST_DECIDED)
    assert theatre.perform(look_after, point)
    Step.objects.filter(run=run).update(nudged_at=None)
    while not sweep(told.append):
        pass
    assert told == [run.id]
    ended = finish(theatre, run)
    check_end(theatre, ended, Case(point, lost_calls=int(point == F.STEP_HANDED_BACK)))


def test_a_run_that_only_its_rows_know_is_found_by_the_sweep(theatre):
    run = start_run(agent_id=theatre.desk.desk.agent.id, text="Hello", by=theatre.desk.cast.owner)
    told: list = []
    sweep(told.append)
    assert told == [run.id]
