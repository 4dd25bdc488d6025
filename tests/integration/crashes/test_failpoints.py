"""A worker is killed at every named border of a step's path, before and after people have answered; another finishes.

After each death the outside systems are looked at themselves: it did not happen, it happened and is recorded, or it is
in doubt. In the end everything has happened exactly once.
"""

from dataclasses import dataclass
from itertools import pairwise

import pytest

from agents.models import Run, Step
from agents.operations import start_run
from audit.ledger import sealing, verification
from tools.models import Action, ActionAttempt, UsageRecord
from workspaces.failpoints import Failpoint as F

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@dataclass(frozen=True)
class Case:
    """Die at ``point`` while people are not asked yet (``early``) and, for the ``nth`` time, after they have answered.

    ``found`` is what the second death leaves: status of the change, changes at the CRM, mails at the server.
    """

    point: F
    early: bool = True
    nth: int = 1
    found: tuple[str, int, int] = ("approved", 0, 0)
    lost_calls: int = 0

    def __str__(self) -> str:
        return f"{self.point}-{self.nth}"


CASES = [
    Case(F.STEP_CLAIMED, lost_calls=1),
    Case(F.MODEL_ASKING, found=("succeeded", 1, 1), lost_calls=2),
    Case(F.MODEL_ANSWERED, found=("succeeded", 1, 1), lost_calls=2),
    Case(F.MODEL_RECORDED, found=("succeeded", 1, 1)),
    Case(F.LOOK_BEGUN),
    Case(F.LOOK_TAKEN),
    Case(F.LOOK_BEGUN, early=False, nth=2, found=("succeeded", 1, 0)),
    Case(F.LOOK_TAKEN, early=False, nth=2, found=("succeeded", 1, 0)),
    Case(F.ACTION_JUDGED, nth=0),
    Case(F.ACTION_INTENDED, found=("executing", 0, 0)),
    Case(F.ACTION_INTENDED, early=False, nth=2, found=("succeeded", 1, 0)),
    Case(F.ACTION_EFFECTED, found=("executing", 1, 0)),
    Case(F.ACTION_EFFECTED, early=False, nth=2, found=("succeeded", 1, 1)),
    Case(F.ACTION_CONCLUDED, found=("succeeded", 1, 0)),
    Case(F.STEP_WAKING, early=False),
    Case(F.SWEEP_STARTED),
    Case(F.HINTS_NOTED),
]
DOUBTS = [
    Case(F.DOUBT_RAISED, early=False, found=("in_doubt", 1, 0)),
    Case(F.DOUBT_PROBED, early=False, found=("succeeded", 1, 0)),
    Case(F.DOUBT_PROBED, early=False, nth=2, found=("succeeded", 1, 1)),
]


def begin(theatre) -> Run:
    email = theatre.desk.crm.customer(theatre.customer)["email"]
    text = f"Please upgrade {email} to tier gold."
    return start_run(agent_id=theatre.desk.desk.agent.id, text=text, by=theatre.desk.cast.owner)


def answer_all(theatre, run):
    for request in theatre.desk.requests(run):
        said = {}
        if request.kind == "settle":
            keys = {message["X-Countersign-Action"] for message in theatre.desk.mailbox.messages}
            happened = request.action.idempotency_key in keys
            said = {"settlement": "happened" if happened else "retry", "reason": "Looked into the mail log."}
        theatre.desk.answer(request, by=theatre.desk.cast.finance, **said)


def answer_and_rest(theatre, run):
    answer_all(theatre, run)
    theatre.desk.rest(run)


def finish(theatre, run) -> Run:
    """Let the living carry the run on, and people answer what they are asked."""
    theatre.rest(run)
    for _ in range(2):
        if theatre.desk.requests(run):
            answer_and_rest(theatre, run)
    run.refresh_from_db()
    return run


def state(theatre, run):
    update = Action.objects.filter(run_id=run.id, tool__name="crm.customer.update").get()
    return update.status, theatre.changes, len(theatre.desk.mailbox.messages)


def attempts(run, tool: str) -> int:
    return ActionAttempt.objects.filter(action__run_id=run.id, action__tool__name=tool, kind="execute").count()


def check_end(theatre, run, case):
    assert run.status == "succeeded", [(s.number, s.status, s.explanation) for s in run.steps.all()]
    assert state(theatre, run) == ("succeeded", 1, 1)
    assert theatre.desk.crm.customer(theatre.customer)["tier"] == "gold"
    assert set(Step.objects.filter(run=run).values_list("status", flat=True)) == {"succeeded"}
    assert (run.open_steps, run.steps_used) == (0, run.steps.count())
    executions = ActionAttempt.objects.filter(action__run_id=run.id, kind="execute")
    assert not executions.filter(outcome="started").exists()
    intended = case.point == F.ACTION_INTENDED
    assert attempts(run, "crm.customer.update") == (2 if intended and case.nth == 1 else 1)
    assert attempts(run, "mail.reply") == (2 if intended and case.nth == 2 else 1)
    assert UsageRecord.objects.filter(run_id=run.id, outcome="lost").count() == case.lost_calls
    sealing.seal_all()
    report = verification.verify(run.workspace_id)
    assert report.problems == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_invariant_04_worker_killed_at(theatre, case):
    run = begin(theatre)
    work = theatre.desk.rest
    if case.early:
        assert theatre.perform(lambda: work(run), case.point)
        assert (theatre.changes, theatre.desk.mailbox.messages) == (0, [])
    theatre.rest(run)
    if case.nth:
        assert theatre.perform(lambda: answer_and_rest(theatre, run), case.point, case.nth)
        assert state(theatre, run) == case.found
    check_end(theatre, finish(theatre, run), case)


@pytest.mark.parametrize("case", DOUBTS, ids=str)
def test_invariant_05_worker_killed_over_a_doubt_at(theatre, case):
    run = begin(theatre)
    theatre.rest(run)
    assert theatre.perform(lambda: answer_and_rest(theatre, run), F.ACTION_EFFECTED, case.nth)
    assert theatre.perform(lambda: theatre.rest(run), case.point)
    assert state(theatre, run) == case.found
    check_end(theatre, finish(theatre, run), case)


def test_every_failpoint_has_its_death():
    elsewhere = {  # no borders of a step: their own tests end there
        F.WEBHOOK_SENT,
        F.BATCH_EMBEDDED,
        F.BATCH_STORED,
        F.SCHEDULE_STARTED,
        F.LANE_TAKEN,
        F.LANE_THOUGHT,
        F.LANE_WRITTEN,
    }
    others = {F.RUN_BEGUN, F.REQUEST_DECIDED, F.STEP_HANDED_BACK}  # no worker comes by: see test_roles.py
    assert {case.point for case in CASES + DOUBTS} == set(F) - elsewhere - others
    assert all(first != second for first, second in pairwise(sorted(map(str, CASES + DOUBTS))))
