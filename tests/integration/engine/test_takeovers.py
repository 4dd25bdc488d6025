"""A step that ends every worker costs a bounded number of them, and then people are told which step it is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.engine.workers import heartbeat, incarnation, retire
from agents.models import Step, Worker
from agents.operations import start_run
from approvals.models import ReviewQueue
from tests.integration.engine.test_control import limited
from tests.integration.providers.dialects import Messages
from tools.models import Action, Budget, UsageRecord
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, acting

pytestmark = pytest.mark.django_db
LIMIT = 3


class Died(BaseException):
    """A worker's end that leaves everything as it is."""


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STEP_TAKEOVERS = LIMIT


def die_over(run, point, times, tool=None):
    """Let one worker after the other drive the run and die at ``point`` (of a call of ``tool``)."""
    died = 0

    def act(here):
        step = Step.objects.filter(run=run, status="running").select_related("action__tool").first()
        if here == point and (tool is None or (step.action and step.action.tool.name == tool)):
            raise Died

    sweep(lambda _run: None)
    for _ in range(times):
        try:
            with acting(act):
                drive(run.id)
        except Died:
            died += 1
        Worker.objects.update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
        sweep(lambda _run: None)
    return died


def begin(desk, text="Hello"):
    return start_run(agent_id=desk.desk.agent.id, text=text, by=desk.cast.owner)


def upgrade(desk):
    return begin(desk, f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")


def test_model_call_that_ends_every_worker_waits_for_a_person_who_lets_it_try_again(desk):
    run = begin(desk)
    assert die_over(run, Failpoint.MODEL_ASKING, LIMIT + 2) == LIMIT
    run.refresh_from_db()
    step = run.steps.get()
    assert (run.status, step.status, step.attempt) == ("waiting", "waiting", LIMIT)
    assert f"Step 1 has stopped its worker {LIMIT} times in the middle of this model call." in step.explanation
    (request,) = desk.requests(run)
    assert request.evidence["sentence"] in step.explanation
    assert UsageRecord.objects.filter(run_id=run.id, outcome="lost").count() == LIMIT
    desk.answer(request, steps=run.step_limit, by=desk.cast.finance)
    assert die_over(run, Failpoint.MODEL_ASKING, LIMIT - 1) == LIMIT - 1
    assert desk.rest(run).status == "succeeded"


def test_model_call_that_nobody_can_be_asked_about_fails_its_run(desk):
    ReviewQueue.objects.update(is_default=False)
    run = begin(desk)
    assert die_over(run, Failpoint.MODEL_ASKING, LIMIT + 1) == LIMIT
    run.refresh_from_db()
    assert run.status == "failed"
    assert f"stopped its worker {LIMIT} times" in run.explanation
    assert "Nobody can be asked" in run.explanation


def test_model_call_that_nobody_lets_try_again_fails_its_run_with_the_sentence(desk):
    run = begin(desk)
    die_over(run, Failpoint.MODEL_ASKING, LIMIT)
    desk.answer(desk.requests(run)[0], "reject", reason="Ask the operators.", by=desk.cast.finance)
    run = desk.rest(run)
    assert run.status == "failed"
    assert f"stopped its worker {LIMIT} times" in run.explanation
    assert "Ask the operators." in run.explanation


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_every_lost_call_is_settled_at_its_worst_case(desk, talker):
    limited(desk, budget_usd=Decimal("1"))
    talker.says("Done.")
    run = begin(desk)
    assert die_over(run, Failpoint.MODEL_ASKING, 2) == 2
    budget = Budget.objects.get(scope_id=run.id)
    assert budget.reserved == 0
    held = list(budget.reservations.values_list("amount", "settled"))
    assert [amount for amount, settled in held if settled == amount] == [held[0][0]] * 2
    assert desk.rest(run).status == "succeeded"
    budget.refresh_from_db()
    assert budget.reserved == 0
    assert budget.spent > 2 * held[0][0]


def test_worker_that_stops_orderly_is_not_held_against_the_step(desk):
    run = begin(desk)

    def die(here):
        if here == Failpoint.MODEL_ASKING:
            raise Died

    for _ in range(LIMIT + 1):
        with acting(die), pytest.raises(Died):
            drive(run.id)
        assert Worker.objects.filter(pk=incarnation()).exists()
        retire()
        sweep(lambda _run: None)
    assert run.steps.get().takeovers == 0
    assert desk.rest(run).status == "succeeded"


def test_action_that_ends_every_worker_before_its_intent_is_given_up_and_told(desk, talker):
    talker.calls(("crm.customer.find", {"email": "a@b.example"})).says("I give up.")
    run = begin(desk)
    assert die_over(run, Failpoint.STEP_CLAIMED, LIMIT + 1, tool="crm.customer.find") == LIMIT
    action = Action.objects.get(run_id=run.id)
    assert (action.status, action.step.status) == ("cancelled", "failed")
    assert f"Step 2 has stopped its worker {LIMIT} times in the middle of this action." in action.explanation
    assert desk.rest(run).status == "succeeded"
    assert f"stopped its worker {LIMIT} times" in talker.last_heard


def test_invariant_05_action_that_ends_every_worker_at_its_effect_is_put_before_people(desk):
    run = desk.rest(upgrade(desk))
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    assert die_over(run, Failpoint.ACTION_INTENDED, LIMIT, tool="crm.customer.update") == LIMIT
    run = desk.rest(run)
    update = Action.objects.get(run_id=run.id, tool__name="crm.customer.update")
    assert update.status == "in_doubt"
    (request,) = [r for r in desk.requests(run) if r.kind == "settle"]
    assert "was not asked once more" in request.evidence["probe"]["sentence"]
    desk.answer(request, settlement="retry", reason="It is well again.", by=desk.cast.finance)
    assert desk.rest(run).status == "succeeded"
    assert desk.crm.customer(update.arguments["id"])["tier"] == "gold"


def test_read_back_that_ends_every_worker_is_left_out_and_said_so(desk):
    run = desk.rest(upgrade(desk))
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    assert die_over(run, Failpoint.ACTION_CONCLUDED, 1, tool="crm.customer.update") == 1
    assert die_over(run, Failpoint.LOOK_BEGUN, LIMIT, tool="crm.customer.update") == LIMIT - 1
    run = desk.rest(run)
    update = Action.objects.get(run_id=run.id, tool__name="crm.customer.update")
    assert (run.status, update.status) == ("succeeded", "succeeded")
    assert "It was not read back." in update.explanation


def test_cancelled_run_is_not_asked_about(desk):
    run = begin(desk)
    die_over(run, Failpoint.MODEL_ASKING, LIMIT - 1)
    type(run).objects.filter(pk=run.pk).update(cancel_requested_at=ClockTimestamp())
    Step.objects.filter(run=run).update(status="running", incarnation=incarnation(), attempt=LIMIT)
    Worker.objects.update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
    sweep(lambda _run: None)
    assert heartbeat() is False
    run.refresh_from_db()
    assert (run.status, desk.requests(run)) == ("cancelled", [])
