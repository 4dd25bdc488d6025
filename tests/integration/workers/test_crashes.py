"""Workers that die, stop or freeze in the middle: another one finishes, and nothing is done twice."""

import signal
import threading
import time

import pytest

from agents.engine.workers import living_workers
from agents.models import Run, Step, Worker
from agents.operations import start_run
from tests.integration.workers.conftest import DEAD_AFTER, broker, until
from tools.models import Action, UsageRecord

pytestmark = [pytest.mark.django_db(transaction=True)]


class Held:
    """In a model's script: wait until the test lets go, then say the rest."""

    def __init__(self, parts):
        self.parts, self.reached, self.go = parts, threading.Event(), threading.Event()

    def __iter__(self):
        self.reached.set()
        self.go.wait(180)
        return iter(self.parts)


def begin(desk, text="Hello"):
    return start_run(agent_id=desk.desk.agent.id, text=text, by=desk.cast.owner)


def ended(run):
    def look():
        run.refresh_from_db()
        return run.status in {"succeeded", "failed", "cancelled"}

    return look


def hold_first_answer(talker):
    talker.says("First.")
    held = Held(talker.turns.left[0])
    talker.turns.left[0] = held
    talker.says("Second.")
    return held


def test_invariant_07_worker_killed_in_a_model_call_is_replaced_though_the_broker_was_flushed(desk, talker, workers):
    held = hold_first_answer(talker)
    run = begin(desk)
    first = workers("first")
    assert until(held.reached.is_set, what="the model call")
    first.kill()
    with broker() as client:
        client.flushdb()
    workers("second")
    until(ended(run), 120 + DEAD_AFTER, "the end of the run")
    held.go.set()
    assert (run.status, run.outcome["text"]) == ("succeeded", "Second.")
    assert run.steps.get().attempt == 2
    assert sorted(UsageRecord.objects.filter(run_id=run.id).values_list("outcome", flat=True)) == ["answered", "lost"]


def test_invariant_07_by_default_a_dead_workers_run_moves_again_within_15_seconds(desk, talker, workers, settings):
    settings.WORKER_DEAD_AFTER_SECONDS = 10
    ours = {"WORKER_DEAD_AFTER_SECONDS", "WORKER_HEARTBEAT_SECONDS", "SWEEP_SECONDS"}
    crew = {process.process.pid: process for process in (workers(name, without=ours) for name in ("first", "second"))}
    until(lambda: living_workers().count() == 2, what="two workers")
    held = hold_first_answer(talker)
    run = begin(desk)
    assert until(held.reached.is_set, what="the model call")
    owner = Worker.objects.get(pk=run.steps.get().incarnation)
    with broker() as client:
        crew[int(owner.name.rsplit(":", 1)[1])].kill()
        began = time.monotonic()
        client.flushall()
    moved = Step.objects.filter(run=run, attempt=2).exclude(incarnation=owner.id)
    until(moved.exists, 60, "the take-over")
    took = time.monotonic() - began
    held.go.set()
    until(ended(run), what="the end of the run")
    assert took < 15, f"it took {took:.1f} s"
    assert (run.status, run.outcome["text"]) == ("succeeded", "Second.")


def test_worker_that_is_stopped_hands_over_what_it_had(desk, talker, workers):
    held = hold_first_answer(talker)
    run = begin(desk)
    first = workers("first")
    assert until(held.reached.is_set, what="the model call")
    first.signal(signal.SIGTERM)
    held.go.set()
    first.process.wait(timeout=120)
    assert first.process.returncode == 0, first.said()
    until(ended(run), what="the end of the run")
    assert run.outcome["text"] == "First."
    assert not Worker.objects.filter(stopped_at=None).exists()


def test_invariant_06_frozen_worker_is_fenced_off_and_its_late_answer_is_only_paid_for(desk, talker, workers):
    held = hold_first_answer(talker)
    run = begin(desk)
    first = workers("first")
    assert until(held.reached.is_set, what="the model call")
    first.signal(signal.SIGSTOP)
    held.go.set()
    workers("second")
    until(ended(run), 120 + DEAD_AFTER, "the end of the run")
    assert run.outcome["text"] == "Second."
    first.signal(signal.SIGCONT)
    late = UsageRecord.objects.filter(run_id=run.id, attempt=1, outcome="answered")
    until(late.exists, what="the record of the late answer")  # on a crowded machine others may be lost meanwhile
    run.refresh_from_db()
    assert run.outcome["text"] == "Second."


def test_invariant_04_worker_killed_while_a_mail_is_sent_leaves_it_in_doubt(desk, workers):
    customer = desk.crm.anybody("standard")
    reached, go = threading.Event(), threading.Event()

    def hold():
        reached.set()
        go.wait(180)

    desk.mailbox.at_data = hold
    first = workers("first")
    run = begin(desk, f"Please upgrade {customer['email']} to tier gold.")
    requests = until(lambda: desk.requests(run) if len(desk.requests(run)) == 2 else None, what="the requests")
    for request in requests:
        desk.answer(request, by=desk.cast.finance)
    assert until(reached.is_set, what="the mail")
    first.kill()
    go.set()
    workers("second")
    (asked,) = until(lambda: [r for r in desk.requests(run) if r.kind == "settle"], 120 + DEAD_AFTER, "the question")
    assert asked.action.status == "in_doubt"
    assert asked.action.attempts.filter(kind="execute").count() == 1
    desk.answer(asked, settlement="happened", reason="It is in the log.", by=desk.cast.finance)
    until(ended(run), what="the end of the run")
    assert run.status == "succeeded"
    assert len(desk.mailbox.messages) == 1
    assert desk.crm.customer(customer["id"])["tier"] == "gold"


def test_two_workers_on_many_runs_do_everything_once(desk, workers):
    customer = desk.crm.anybody("standard")
    for name in ("first", "second"):
        workers(name)
    runs = [begin(desk, f"Please look at {customer['email']}.") for _ in range(4)]
    from agents.tasks import enqueue

    for run in runs * 3:
        enqueue(run.id)
    waiting = until(lambda: Run.objects.filter(status="waiting").count() == 4, what="four waiting runs")
    assert waiting
    for run in runs:
        (request,) = desk.requests(run)
        desk.answer(request, by=desk.cast.finance)
        enqueue(run.id)
        enqueue(run.id)
    until(lambda: Run.objects.filter(status="succeeded").count() == 4, what="four ended runs")
    assert len(desk.mailbox.messages) == 4
    executed = Action.objects.filter(status="succeeded", tool__name="mail.reply")
    assert [action.attempts.filter(kind="execute").count() for action in executed] == [1, 1, 1, 1]
