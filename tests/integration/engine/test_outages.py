"""Outside systems that are down, slow, or break off: nothing is lost, nothing is done twice, and a sentence says so."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.utils import timezone
from psycopg import sql
from psycopg.conninfo import make_conninfo

from agents.models import Step
from approvals.models import Policy, ReviewQueue
from approvals.operations import activate_policy, draft_policy
from tests.desks import superuser
from tests.factories import SETUP
from tests.house import ALLOW
from tests.mailbox import MailServer
from tools.models import Action
from tools.operations import update_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(desk):
    return desk.crm.anybody("standard")


@pytest.fixture
def slow_retries(settings):
    """A failure is tried again in a minute, which a test lets pass with ``later``."""
    settings.RETRY_BASE_SECONDS = 60


def later(desk, run):
    Step.objects.filter(run=run, status="ready").update(wake_at=None)
    return desk.rest(run)


@contextmanager
def crm_down(desk):
    name = sql.Identifier(desk.crm.connection.info.dbname)
    with psycopg.connect(make_conninfo(superuser()), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


@contextmanager
def revoked(desk):
    role = sql.Identifier(desk.desk.crm.config["user"])
    with psycopg.connect(make_conninfo(superuser()), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER ROLE {} LOGIN").format(role))


def approve_all(desk, run):
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    return desk.rest(run)


def mail_of(run):
    return Action.objects.get(run_id=run.id, tool__name="mail.reply")


def test_crm_is_down_when_it_is_read(desk, customer, slow_retries):
    with crm_down(desk):
        run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
        step = run.steps.get(kind="action")
        assert (step.status, step.failures, step.incarnation) == ("ready", 1, None)
        assert "tried again" in step.explanation
    run = later(desk, run)
    assert run.status == "waiting"
    assert approve_all(desk, run).status == "succeeded"


def test_crm_is_down_after_approval(desk, customer, slow_retries):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    with crm_down(desk):
        run = approve_all(desk, run)
        update = Action.objects.get(run_id=run.id, tool__name="crm.customer.update")
        assert (run.status, update.status) == ("running", "approved")
    run = later(desk, run)
    assert run.status == "succeeded", run.explanation
    assert desk.crm.customer(customer["id"])["tier"] == "gold"


def test_crm_that_stays_down_ends_in_a_sentence(desk, customer):
    with crm_down(desk):
        run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    assert run.status == "succeeded"
    action = Action.objects.get(run_id=run.id)
    assert action.status == "cancelled"
    assert "tried" in action.explanation
    assert run.outcome["text"]


def test_slow_crm_is_left_at_the_deadline(desk, customer, settings, slow_retries):
    settings.TOOL_DEADLINE_SECONDS = 1
    with psycopg.connect(make_conninfo(superuser(), dbname=desk.crm.connection.info.dbname)) as colleague:
        colleague.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
        step = run.steps.get(kind="action")
        assert step.status == "ready", step.explanation
        colleague.rollback()
    assert later(desk, run).status == "waiting"


def test_revoked_credential_is_said_and_recovers(desk, customer, slow_retries):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    with revoked(desk):
        run = approve_all(desk, run)
        step = Step.objects.get(run=run, action__tool__name="crm.customer.update")
        assert (step.status, step.action.status) == ("ready", "approved"), step.explanation
        assert step.explanation.endswith("It is tried again.")
    run = later(desk, run)
    assert run.status == "succeeded", [(s.status, s.explanation) for s in run.steps.all()]
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert step.action.attempts.filter(kind="execute").count() == 1


def test_mail_server_is_down_and_comes_back(desk, customer, slow_retries, settings):
    with MailServer() as gone:
        port = gone.port
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, f"127.0.0.1:{port}"]
    config = {"host": "127.0.0.1", "port": port, "security": "none"}
    update_connection(connection=desk.desk.mail, config=config, secret={}, by=SETUP)
    run = approve_all(desk, desk.start(f"Please upgrade {customer['email']} to tier gold."))
    mail = mail_of(run)
    assert (mail.status, mail.step.status) == ("approved", "ready")
    assert mail.attempts.get(kind="execute").outcome == "not_sent"

    with MailServer(port) as back:
        run = later(desk, run)
        assert run.status == "succeeded", [(s.status, s.explanation) for s in run.steps.all()]
        assert len(back.mailbox.messages) == 1


def test_invariant_05_slow_mail_server_is_left_at_the_deadline_and_not_asked_twice(desk, customer, settings):
    enough = threading.Event()
    desk.mailbox.at_data = lambda: enough.wait(30)
    settings.TOOL_DEADLINE_SECONDS = 1
    run = approve_all(desk, desk.start(f"Please upgrade {customer['email']} to tier gold."))
    enough.set()
    mail = mail_of(run)
    assert (mail.status, run.status) == ("in_doubt", "waiting"), mail.explanation
    assert "did not say what became of it" in mail.explanation
    assert mail.attempts.filter(kind="execute").count() == 1
    assert len(desk.mailbox.messages) == 1
    (request,) = desk.requests(run)
    assert request.kind == "settle"


def test_mail_server_refuses(desk, customer):
    desk.mailbox.refuse = "550 No such mailbox"
    run = approve_all(desk, desk.start(f"Please upgrade {customer['email']} to tier gold."))
    assert run.status == "succeeded"
    mail = mail_of(run)
    assert mail.status == "failed"
    assert "550" in mail.explanation or "No such mailbox" in mail.explanation
    assert mail.attempts.filter(kind="execute").count() == 1


@pytest.fixture
def in_doubt(desk, customer):
    """A run whose mail server broke the connection after it had taken the message."""
    desk.mailbox.drop_after_data = True
    run = approve_all(desk, desk.start(f"Please upgrade {customer['email']} to tier gold."))
    desk.mailbox.drop_after_data = False
    return run


def test_invariant_05_unknown_outcome_is_never_tried_again_by_a_machine(desk, in_doubt):
    for _ in range(3):
        desk.rest(in_doubt)
    mail = mail_of(in_doubt)
    assert mail.status == "in_doubt"
    assert len(desk.mailbox.messages) == 1
    assert mail.attempts.filter(kind="execute").count() == 1
    (request,) = desk.requests(in_doubt)
    assert request.kind == "settle"
    assert request.evidence["probe"]["happened"] is None
    assert request.evidence["probe"]["evidence"]["message_id"] == desk.mailbox.messages[0]["Message-ID"]
    assert in_doubt.status == "waiting"


def test_invariant_05_doubt_about_which_nobody_can_be_asked_says_so_until_somebody_can(desk, customer):
    draft = draft_policy(
        workspace=desk.cast.workspace, name=Policy.objects.get().name, title="P", rules=[ALLOW], by=SETUP
    )
    activate_policy(version=draft, by=SETUP)
    ReviewQueue.objects.update(is_default=False)
    desk.mailbox.drop_after_data = True
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    step = run.steps.get(action__status="in_doubt")
    assert step.status == "ready"
    assert "Nobody can be asked" in step.explanation
    assert "An owner can set one up" in step.explanation
    ReviewQueue.objects.filter(pk=desk.desk.queue.pk).update(is_default=True)
    Step.objects.filter(pk=step.pk).update(wake_at=timezone.now())
    (request,) = desk.requests(desk.rest(run))
    assert (request.kind, len(desk.mailbox.messages)) == ("settle", 1)


@pytest.mark.parametrize(
    ("settlement", "fate", "mails"), [("happened", "succeeded", 1), ("retry", "succeeded", 2), ("give_up", "failed", 1)]
)
def test_each_settlement_ends_the_doubt(desk, in_doubt, settlement, fate, mails):
    (request,) = desk.requests(in_doubt)
    desk.answer(request, settlement=settlement, reason="Asked the customer.", by=desk.cast.finance)
    run = desk.rest(in_doubt)
    assert run.status == "succeeded", [(s.status, s.explanation) for s in run.steps.all()]
    mail = mail_of(run)
    assert mail.status == fate
    assert len(desk.mailbox.messages) == mails
    keys = {message["X-Countersign-Action"] for message in desk.mailbox.messages}
    assert keys == {mail.idempotency_key}


def test_settling_that_nobody_did_in_time_is_asked_again(desk, in_doubt):
    (request,) = desk.requests(in_doubt)
    type(request).objects.filter(pk=request.pk).update(expires_at=request.opened_at)
    run = desk.rest(in_doubt)
    (again,) = desk.requests(run)
    assert again.id != request.id
    assert mail_of(run).status == "in_doubt"


def test_doubt_settled_as_retry_after_the_run_was_cancelled_is_not_carried_out(desk, in_doubt):
    from agents.operations import cancel_run

    run = cancel_run(run_id=in_doubt.id, by=desk.cast.reviewer)
    assert run.status == "cancelled"
    (request,) = desk.requests(run)
    desk.answer(request, settlement="retry", reason="It never came.", by=desk.cast.finance)
    desk.rest(run)
    assert mail_of(run).status == "cancelled"
    assert len(desk.mailbox.messages) == 1
