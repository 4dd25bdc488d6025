"""The story on each real protocol, and what a failing model server costs: time, never an effect."""

import pytest

from agents.models import Step
from agents.states import StepKind
from tests.integration.engine.conftest import DIALECTS, route
from tests.integration.engine.talking import Talker
from tests.integration.providers.dialects import Chat
from tests.integration.providers.server import ModelServer
from tools.models import Action, UsageRecord

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("talker", DIALECTS, indirect=True)]


def tell_story(talker, customer):
    change = {"id": customer["id"], "tier": "gold"}
    mail = {"to": customer["email"], "subject": "Your tier", "body": "You are gold now."}
    talker.calls(("crm.customer.find", {"email": customer["email"]}), text="I look the customer up.")
    talker.calls(("crm.customer.update", change), ("mail.reply", mail), text="The ticket asks for gold.")
    talker.says("Done: the tier is gold.")


def finish(desk, run):
    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.answer(desk.request_for(run, "mail.reply"), by=desk.cast.finance)
    return desk.rest(run)


def usage(run, outcome):
    return UsageRecord.objects.filter(run_id=run.id, outcome=outcome)


def test_story_on_a_real_protocol(desk, talker):
    customer = desk.crm.anybody("standard")
    tell_story(talker, customer)
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    evidence = desk.request_for(run, "crm.customer.update").evidence
    assert evidence["model_words"]["text"] == "The ticket asks for gold."
    run = finish(desk, run)

    assert (run.status, run.outcome["text"]) == ("succeeded", "Done: the tier is gold."), run.explanation
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert len(desk.mailbox.messages) == 1
    assert len(talker.heard) == 3
    told = talker.last_heard
    assert customer["address"] in told
    assert "succeeded" in told
    for record in usage(run, "answered"):
        assert (record.input_tokens, record.output_tokens, record.cached_tokens) == (120, 30, 20)
        assert record.latency_ms >= 0
        assert (record.cost is None) == (talker.dialect.provider == Chat().provider)
    assert usage(run, "answered").count() == 3


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (lambda t: t.fails("429 Too Many", "rate_limit_error", retry_after="0"), "rate_limited"),
        (lambda t: t.fails("500 Oops"), "provider_failed"),
        (lambda t: t.breaks_off(), "stream_cut"),
        (lambda t: t.says(""), "empty_answer"),
    ],
    ids=["rate-limit", "error", "cut", "empty"],
)
def test_failing_model_server_is_asked_again_and_nothing_is_done_twice(desk, talker, failure, code):
    customer = desk.crm.anybody("standard")
    failure(talker)
    tell_story(talker, customer)
    run = finish(desk, desk.start(f"Please upgrade {customer['email']} to tier gold."))

    assert run.status == "succeeded", run.explanation
    assert usage(run, code).count() == 1
    assert run.steps.get(number=1).attempt == 2
    assert Action.objects.filter(run_id=run.id).count() == 3
    assert len(desk.mailbox.messages) == 1


def test_hanging_model_server_is_left_at_the_deadline(desk, talker):
    route(desk, talker.endpoint(deadline_seconds=0.5))
    talker.hangs().says("Nothing to do.")
    run = desk.start("Hello")
    assert run.status == "succeeded", run.explanation
    late = usage(run, "timeout").get()
    assert late.latency_ms >= 400
    assert late.cost is None


def test_retry_after_is_kept_and_holds_no_worker(desk, talker):
    talker.fails("429 Too Many", "rate_limit_error", retry_after="3600").says("Never heard.")
    run = desk.start("Hello")
    step = run.steps.get()
    assert step.status == "ready"
    assert (step.wake_at - step.started_at).total_seconds() > 3500
    assert step.incarnation is None
    assert "tried again" in step.explanation
    assert len(talker.heard) == 1


def test_second_endpoint_takes_over(desk, talker, settings):
    spare = Talker(ModelServer(), Chat())
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, spare.server.address]
    route(desk, talker.endpoint(), spare.endpoint())
    talker.fails("500 Oops")
    spare.says("The spare one answers.")
    run = desk.start("Hello")
    spare.server.stop()
    assert run.outcome["text"] == "The spare one answers."
    outcomes = UsageRecord.objects.filter(run_id=run.id).order_by("at").values_list("outcome", flat=True)
    assert list(outcomes) == ["provider_failed", "answered"]
    assert run.steps.get(kind=StepKind.MODEL).attempt == 1


@pytest.mark.parametrize(
    ("status", "kind"), [("400 Bad Request", "invalid_request_error"), ("401 Unauthorized", "authentication_error")]
)
def test_hopeless_model_server_fails_the_run_with_a_sentence(desk, talker, status, kind):
    talker.fails(status, kind)
    run = desk.start("Hello")
    assert run.status == "failed"
    assert len(run.explanation) > 40
    assert "sk-of-the-test" not in run.explanation
    assert len(talker.heard) == 1
    assert Step.objects.get(run=run).status == "failed"


def test_model_server_that_never_recovers_fails_the_run_after_a_while(desk, talker, settings):
    settings.BREAKER_FAILURES = 100
    talker.fails("500 Oops")
    run = desk.start("Hello")
    assert run.status == "failed", run.steps.get().explanation
    assert usage(run, "provider_failed").count() == run.steps.get().attempt == 8
