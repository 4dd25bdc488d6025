"""What people do, and what others find out, in the middle of a call: exactly there, by failpoints."""

from datetime import timedelta

import pytest

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.engine.takeovers import lost_steps
from agents.models import Worker
from agents.operations import cancel_run, start_run
from tools.models import Action, UsageRecord
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, acting
from workspaces.models import ScopeKind
from workspaces.operations.pauses import pause, release

pytestmark = pytest.mark.django_db
TICKET = "Please upgrade {} to tier gold."


def meanwhile(point, act):
    """Call ``act`` when ``point`` is reached for the first time."""
    left = [act]

    def once(here):
        if here == point and left:
            left.pop()()

    return acting(once)


def begin(desk, text="Hello"):
    return start_run(agent_id=desk.desk.agent.id, text=text, by=desk.cast.owner)


def approved(desk):
    """Return a run of which the change and the mail are approved, and the customer."""
    customer = desk.crm.anybody("standard")
    run = desk.start(TICKET.format(customer["email"]))
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    sweep(lambda _run: None)
    return run, customer


def stop(desk):
    return pause(
        workspace=desk.cast.workspace,
        scope_kind=ScopeKind.AGENT,
        scope_id=desk.desk.agent.id,
        reason="Stop.",
        by=desk.cast.owner,
        right="control_agent",
    )


def action_of(run, tool):
    return Action.objects.get(run_id=run.id, tool__name=tool)


@pytest.mark.parametrize("point", [Failpoint.MODEL_ASKING, Failpoint.MODEL_ANSWERED])
def test_invariant_06_answer_of_a_cancelled_run_is_paid_for_and_nothing_follows(desk, point):
    run = begin(desk, TICKET.format(desk.crm.anybody("standard")["email"]))
    with meanwhile(point, lambda: cancel_run(run_id=run.id, by=desk.cast.owner)):
        drive(run.id)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert run.steps.get().status == "succeeded"
    assert UsageRecord.objects.get(run_id=run.id).outcome == "answered"
    assert not Action.objects.filter(run_id=run.id).exists()


@pytest.mark.parametrize("point", [Failpoint.ACTION_INTENDED, Failpoint.ACTION_EFFECTED])
def test_invariant_06_effect_in_flight_is_recorded_though_the_run_is_cancelled(desk, point):
    run, customer = approved(desk)
    with meanwhile(point, lambda: cancel_run(run_id=run.id, by=desk.cast.owner)):
        drive(run.id)
    run = desk.rest(run)
    assert run.status == "cancelled"
    assert action_of(run, "crm.customer.update").status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert (action_of(run, "mail.reply").status, desk.mailbox.messages) == ("cancelled", [])


@pytest.mark.parametrize("point", [Failpoint.MODEL_ASKING, Failpoint.MODEL_ANSWERED])
def test_invariant_10_pause_in_a_model_call_keeps_the_answer_and_starts_nothing(desk, point):
    run = begin(desk, TICKET.format(desk.crm.anybody("standard")["email"]))
    paused = []
    with meanwhile(point, lambda: paused.append(stop(desk))):
        assert drive(run.id) is False
    assert UsageRecord.objects.get(run_id=run.id).outcome == "answered"
    assert Action.objects.get(run_id=run.id).status == "proposed"
    release(pause=paused[0], by=desk.cast.owner, right="control_agent")
    assert len(desk.requests(desk.rest(run))) == 2


def test_invariant_10_pause_between_intent_and_effect_sends_nothing(desk):
    run, customer = approved(desk)
    paused = []
    with meanwhile(Failpoint.ACTION_INTENDED, lambda: paused.append(stop(desk))):
        drive(run.id)
    update = action_of(run, "crm.customer.update")
    assert (update.status, desk.crm.customer(customer["id"])["tier"]) == ("approved", "standard")
    assert update.attempts.get(kind="execute").outcome == "not_sent"
    release(pause=paused[0], by=desk.cast.owner, right="control_agent")
    assert desk.rest(run).status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert len(desk.mailbox.messages) == 1


def test_invariant_10_pause_after_the_effect_changes_nothing_of_its_outcome(desk):
    run, customer = approved(desk)
    with meanwhile(Failpoint.ACTION_EFFECTED, lambda: stop(desk)):
        drive(run.id)
    assert action_of(run, "crm.customer.update").status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert desk.mailbox.messages == []


def taken_for_dead(desk, run):
    """Do what happens while this worker is frozen: another incarnation takes over everything that it holds."""

    def act():
        Worker.objects.update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
        desk.rest(run)

    return act


def mail_first(desk, talker):
    """Return a run whose only approved action is a mail."""
    mail = {"to": desk.crm.anybody("standard")["email"], "subject": "Hello", "body": "Hello."}
    talker.calls(("mail.reply", mail)).says("Done.")
    run = desk.start("Hello")
    desk.answer(desk.request_for(run, "mail.reply"), by=desk.cast.finance)
    sweep(lambda _run: None)
    return run


def test_invariant_06_late_outcome_settles_the_doubt_and_closes_the_question(desk, talker):
    run = mail_first(desk, talker)
    with meanwhile(Failpoint.ACTION_EFFECTED, taken_for_dead(desk, run)):
        drive(run.id)
    mail = action_of(run, "mail.reply")
    assert (mail.status, mail.attempts.get(kind="execute").outcome) == ("succeeded", "done")
    run = desk.rest(run)
    assert (run.status, desk.requests(run), len(desk.mailbox.messages)) == ("succeeded", [], 1)
    assert mail.requests.get(kind="settle").status == "cancelled"


def test_invariant_06_late_outcome_overrides_no_settlement(desk, talker):
    run = mail_first(desk, talker)

    def settled():
        taken_for_dead(desk, run)()
        (request,) = desk.requests(run)
        desk.answer(request, settlement="give_up", reason="Never mind.", by=desk.cast.finance)

    with meanwhile(Failpoint.ACTION_EFFECTED, settled):
        drive(run.id)
    mail = action_of(run, "mail.reply")
    assert (mail.status, mail.attempts.get(kind="execute").outcome) == ("failed", "done")
    assert desk.rest(run).status == "succeeded"


def test_invariant_06_worker_taken_for_dead_before_the_effect_sends_nothing(desk, talker):
    run = mail_first(desk, talker)
    with meanwhile(Failpoint.ACTION_INTENDED, taken_for_dead(desk, run)):
        drive(run.id)
    mail = action_of(run, "mail.reply")
    assert (mail.status, desk.mailbox.messages) == ("approved", [])
    assert mail.attempts.get(kind="execute").outcome == "not_sent"
    run = desk.rest(run)
    assert (run.status, desk.requests(run), len(desk.mailbox.messages)) == ("succeeded", [], 1)


def test_invariant_05_settled_retry_and_the_frozen_worker_send_one_mail(desk, talker):
    run = mail_first(desk, talker)

    def tried_again():
        taken_for_dead(desk, run)()
        (request,) = desk.requests(run)
        desk.answer(request, settlement="retry", reason="It never came.", by=desk.cast.finance)
        desk.rest(run)

    with meanwhile(Failpoint.ACTION_INTENDED, tried_again):
        drive(run.id)
    assert len(desk.mailbox.messages) == 1
    assert action_of(run, "mail.reply").status == "succeeded"
    assert desk.rest(run).status == "succeeded"


def test_invariant_08_waiting_for_people_is_no_step_of_a_worker(desk):
    run = desk.start(TICKET.format(desk.crm.anybody("standard")["email"]))
    assert set(run.steps.filter(status="waiting").values_list("incarnation", flat=True)) == {None}
    assert not run.steps.filter(status__in=["ready", "running"]).exists()
    Worker.objects.update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
    assert lost_steps() == []
    told: list = []
    assert sweep(told.append)
    assert told == []
