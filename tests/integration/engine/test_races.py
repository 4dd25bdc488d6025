"""Two at once, each on a connection of its own: one has it, the other has nothing, and nothing is done twice."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from agents.engine.claims import _claim
from agents.engine.drive import drive
from agents.engine.limits import apply_budget_decision
from agents.engine.sweep import sweep
from agents.engine.takeovers import hand_back_dropped, hand_back_if_lost
from agents.models import Run, Step, Worker
from agents.operations import start_run
from approvals.models import Decision
from approvals.operations import Answer, decide
from approvals.states import DecisionKind
from tests.house import at_once, events
from tools.models import Action, UsageRecord
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, acting
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db(transaction=True)


class Died(BaseException):
    """A worker's end that leaves everything as it is."""


def die_at(point):
    def act(here):
        if here == point:
            raise Died

    return acting(act)


def fall_silent():
    Worker.objects.update(heartbeat_at=ClockTimestamp() - timedelta(days=1))


def begin(desk, text="Hello") -> Run:
    return start_run(agent_id=desk.desk.agent.id, text=text, by=desk.cast.owner)


def upgrade(desk) -> Run:
    return begin(desk, f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")


def test_invariant_06_two_threads_and_a_sweep_drive_one_run(desk):
    run = upgrade(desk)
    told = []
    answers = at_once(lambda: drive(run.id), lambda: drive(run.id), lambda: sweep(told.append))
    assert [type(answer) for answer in answers] == [bool] * 3, answers
    desk.rest(run)
    assert len(desk.requests(run)) == 2
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    at_once(lambda: drive(run.id), lambda: drive(run.id), lambda: sweep(told.append))
    run = desk.rest(run)
    assert (run.status, len(desk.mailbox.messages)) == ("succeeded", 1)
    calls = run.steps.filter(kind="model")
    assert [UsageRecord.objects.filter(step_id=step.id).count() for step in calls] == [1] * calls.count()
    for action in Action.objects.filter(run_id=run.id):
        assert action.attempts.filter(kind="execute").count() == 1
    assert set(run.steps.values_list("attempt", "kind")) <= {(1, "model"), (1, "action"), (2, "action")}


def test_invariant_06_of_two_incarnations_one_claims_a_step(desk):
    run = begin(desk)
    workers = [Worker.objects.create(id=uuid7(), name=name) for name in ("one", "two")]
    answers = at_once(*[lambda worker=worker: _claim(run.id, worker.id) for worker in workers])
    (claimed,) = [answer for answer in answers if answer is not None]
    step = run.steps.get()
    assert (step.status, step.attempt, step.incarnation) == ("running", 1, claimed.incarnation)
    assert events(step).count("step.running") == 1


def test_invariant_06_of_two_sweeps_one_hands_a_lost_step_back(desk):
    run = begin(desk)
    with die_at(Failpoint.MODEL_ASKING), pytest.raises(Died):
        drive(run.id)
    fall_silent()
    step = run.steps.get()
    answers = at_once(*[lambda: hand_back_if_lost(step.id)] * 3)
    assert sorted(answers, key=str) == [run.id, None, None], answers
    step.refresh_from_db()
    assert (step.status, step.takeovers) == ("ready", 1)
    assert UsageRecord.objects.filter(run_id=run.id, outcome="lost").count() == 1


def test_invariant_06_heartbeat_does_not_wait_for_a_run_that_somebody_has_locked(desk):
    run = begin(desk)
    with die_at(Failpoint.MODEL_ASKING), pytest.raises(Died):
        drive(run.id)
    with transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)
        assert at_once(hand_back_dropped) == [[]]
    assert hand_back_dropped() == [run.id]
    assert desk.rest(run).status == "succeeded"


def test_invariant_07_decision_that_comes_while_the_step_is_handed_back_is_carried_out_once(desk):
    run = upgrade(desk)
    with die_at(Failpoint.MODEL_RECORDED), pytest.raises(Died):
        drive(run.id)
    drive(run.id, quantum=2)
    judged = []

    def die_with_the_last(here):
        judged.append(here) if here == Failpoint.ACTION_JUDGED else None
        if len(judged) == 2:
            raise Died

    with acting(die_with_the_last), pytest.raises(Died):
        drive(run.id)
    fall_silent()
    request = desk.requests(run)[-1]
    step = Step.objects.get(action=request.action)
    assert step.status == "running"
    answers = at_once(lambda: hand_back_if_lost(step.id), lambda: desk.answer(request, by=desk.cast.finance))
    assert answers[0] in {run.id, None}, answers
    assert isinstance(answers[1], Decision), answers
    for other in desk.requests(run):
        desk.answer(other, by=desk.cast.finance)
    assert desk.rest(run).status == "succeeded"
    assert len(desk.mailbox.messages) == 1


def test_invariant_09_sweep_holds_no_connection_while_it_talks_to_the_broker(desk):
    run = begin(desk)
    held = []

    def look(what):
        held.append((what, connection.connection is not None))
        return 0

    assert sweep(look, lambda: look("backlog"))
    assert held == [("backlog", False), (run.id, False)]


def test_invariant_16_of_two_extensions_at_once_one_holds_and_moves_the_run_once(desk):
    run = begin(desk)
    Run.objects.filter(pk=run.pk).update(step_limit=0)
    run = desk.rest(run)
    (request,) = desk.requests(run)

    def extend(by, steps):
        answer = Answer(kind=DecisionKind.APPROVE, seen=request.evidence_digest, steps=steps)
        return decide(request_id=request.id, answer=answer, by=by)

    answers = at_once(
        lambda: extend(desk.cast.reviewer, 7),
        lambda: extend(desk.cast.finance, 9),
        lambda: apply_budget_decision(run.id),
        lambda: apply_budget_decision(run.id),
    )
    (decision,) = [answer for answer in answers if isinstance(answer, Decision)]
    run.refresh_from_db()
    assert run.step_limit == decision.steps
    assert events(run.steps.get()).count("step.ready") == 2
    assert desk.rest(run).status == "succeeded"
