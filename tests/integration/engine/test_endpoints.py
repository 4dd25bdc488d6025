"""Breakers, limits and Retry-After: who is called when, by rows that every worker shares."""

from datetime import timedelta
from functools import partial

import pytest
from django.db.models import F

from agents.engine.endpoints import Place, Refused, give_back, key_of, take_place, wait_for_turn
from agents.models import EndpointState, Step, Worker
from agents.providers.base import Endpoint
from agents.providers.errors import BadRequest, ProviderFailed, RateLimited, WrongKey
from tests.house import at_once
from tests.integration.engine.conftest import route
from tests.integration.engine.talking import Talker
from tests.integration.providers.dialects import Chat
from tests.integration.providers.server import ModelServer
from tools.models import UsageRecord
from workspaces.database import ClockTimestamp
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db(transaction=True)
CODES = ("requests_until", "tokens_until", "opened_until", "retry_after_until")


@pytest.fixture
def worker(db):
    return Worker.objects.create(name="one")


@pytest.fixture
def caller(cast, worker):
    """Steps of the workspace that call endpoints; no rows of theirs are needed for that."""

    def make(owner=None, priority="interactive"):
        of = {"workspace_id": cast.workspace.id, "incarnation": (owner or worker).id}
        return Step(id=uuid7(), attempt=1, priority=priority, **of)

    return make


def endpoint(**limits) -> Endpoint:
    return Endpoint("openai-chat", "gpt", "http://127.0.0.1:1", **limits)


def take(step, asked, tokens=0, known=True) -> Place | Refused:
    return take_place(step, asked, tokens=tokens, known=frozenset([key_of(asked)] if known else []))


def fail(step, asked, times=1, error=None):
    for _ in range(times):
        place = take(step, asked)
        assert isinstance(place, Place), place
        give_back(step, place, error=error or ProviderFailed("It broke."), tokens=None)


def state(asked) -> EndpointState:
    return EndpointState.objects.get(digest=key_of(asked))


def let_pass(seconds):
    """Let time go by for every endpoint."""
    EndpointState.objects.update(**{name: F(name) - timedelta(seconds=seconds) for name in (*CODES, "failing_since")})


def test_two_workers_at_once_never_exceed_the_places(caller):
    narrow = endpoint(at_once=2)
    took = at_once(*[partial(take, caller(), narrow) for _ in range(6)])
    assert [type(one) for one in took].count(Place) == 2, took
    refused = next(one for one in took if isinstance(one, Refused))
    assert refused.reason == "busy"
    assert "2 at once" in refused.sentence


def test_place_comes_back_at_the_end_and_when_its_worker_has_died(caller):
    narrow = endpoint(at_once=1)
    first = caller()
    place = take(first, narrow)
    assert isinstance(take(caller(), narrow), Refused)
    give_back(first, place, error=None, tokens=None)
    dying = Worker.objects.create(name="two")
    assert isinstance(take(caller(dying), narrow), Place)
    assert isinstance(take(caller(), narrow), Refused)
    Worker.objects.filter(pk=dying.pk).update(heartbeat_at=ClockTimestamp() - timedelta(days=1))
    assert isinstance(take(caller(), narrow), Place)
    assert len(state(narrow).leases) == 1


def test_requests_of_a_minute_are_used_up_and_come_back(caller):
    slow = endpoint(requests_per_minute=3)
    took = at_once(*[partial(take, caller(), slow) for _ in range(5)])
    assert [type(one) for one in took].count(Place) == 3, took
    refused = take(caller(), slow)
    assert refused.reason == "requests"
    assert 15 < wait_for_turn(caller(), refused) <= 40
    let_pass(20)
    assert isinstance(take(caller(), slow), Place)
    assert isinstance(take(caller(), slow), Refused)


def test_tokens_are_held_at_their_worst_case_and_what_was_not_used_comes_back(caller):
    tight = endpoint(tokens_per_minute=1000)
    step = caller()
    place = take(step, tight, tokens=800)
    assert take(caller(), tight, tokens=800).reason == "tokens"
    give_back(step, place, error=None, tokens=100)
    assert isinstance(take(caller(), tight, tokens=800), Place)
    let_pass(120)
    assert isinstance(take(caller(), tight, tokens=50_000), Place), "more than a minute's worth needs a full minute"
    assert take(caller(), tight, tokens=1).reason == "tokens"


def test_breaker_opens_and_lets_one_call_try(caller, settings):
    settings.BREAKER_FAILURES = 3
    shaky = endpoint()
    fail(caller(), shaky, times=2)
    assert isinstance(take(caller(), shaky), Place)
    fail(caller(), shaky)
    refused = take(caller(), shaky)
    assert (refused.reason, "It broke." in refused.sentence) == ("breaker", True)
    let_pass(31)
    steps = [caller() for _ in range(4)]
    took = at_once(*[partial(take, step, shaky) for step in steps])
    tries = [pair for pair in zip(steps, took, strict=True) if isinstance(pair[1], Place)]
    assert len(tries) == 1, took
    assert {one.reason for one in took if isinstance(one, Refused)} == {"trial"}
    give_back(*tries[0], error=None, tokens=None)
    assert (state(shaky).opened_until, state(shaky).failures) == (None, 0)
    assert isinstance(take(caller(), shaky), Place)


def test_trial_that_fails_opens_the_breaker_again(caller, settings):
    settings.BREAKER_FAILURES = 1
    shaky = endpoint()
    fail(caller(), shaky, error=WrongKey("No."))
    let_pass(31)
    fail(caller(), shaky)
    assert take(caller(), shaky).reason == "breaker"


def test_trial_whose_worker_died_is_followed_by_another(caller, settings):
    settings.BREAKER_FAILURES = 1
    shaky = endpoint()
    fail(caller(), shaky)
    let_pass(31)
    dying = Worker.objects.create(name="two")
    assert isinstance(take(caller(dying), shaky), Place)
    assert take(caller(), shaky).reason == "trial"
    Worker.objects.filter(pk=dying.pk).update(stopped_at=ClockTimestamp())
    assert isinstance(take(caller(), shaky), Place)


def test_failures_far_apart_or_of_the_request_itself_open_nothing(caller, settings):
    settings.BREAKER_FAILURES = 2
    shaky = endpoint()
    fail(caller(), shaky)
    let_pass(61)
    fail(caller(), shaky)
    fail(caller(), shaky, times=3, error=BadRequest("No such field."))
    assert isinstance(take(caller(), shaky), Place)


def test_what_a_provider_asks_for_holds_for_everybody(caller):
    asked = endpoint()
    fail(caller(), asked, error=RateLimited("Slow down.", retry_after=90))
    refused = take(caller(), asked)
    assert refused.reason == "retry_after"
    assert 80 < wait_for_turn(caller(), refused) <= 91
    let_pass(91)
    assert isinstance(take(caller(), asked), Place)


def test_those_that_wait_look_one_after_the_other(caller):
    narrow = endpoint(at_once=1)
    take(caller(), narrow)
    looks = [wait_for_turn(caller(), take(caller(), narrow)) for _ in range(3)]
    assert looks[0] < looks[1] < looks[2]
    assert looks[2] - looks[0] >= 0.5


def test_endpoint_that_never_failed_and_has_no_limit_writes_nothing(caller, django_assert_num_queries):
    step, free = caller(), endpoint()
    with django_assert_num_queries(0):
        place = take(step, free, known=False)
        give_back(step, place, error=None, tokens=5)
    assert not EndpointState.objects.exists()


def test_run_waits_for_an_endpoint_with_its_name_and_a_time_and_asks_nobody(desk, talker):
    talker.fails("429 Too Many", "rate_limit_error", retry_after="600").says("Never heard.")
    first = desk.start("Hello")
    run = desk.start("Hello again")
    step = run.steps.get()
    assert (run.status, step.status, step.failures) == ("running", "ready", 0), run.explanation
    assert "gpt-5.1 (model-key) asked not to be called" in step.explanation
    assert 500 < (step.wake_at - step.started_at).total_seconds() < 610
    assert step.output["refused"][0]["reason"] == "retry_after"
    assert len(talker.heard) == 1
    assert not UsageRecord.objects.filter(run_id=run.id).exists()
    assert first.steps.get().failures == 1
    let_pass(601)
    run.steps.update(wake_at=None)
    assert desk.rest(run).outcome["text"] == "Never heard."
    assert "refused" not in run.steps.get().output


def test_refused_endpoint_is_passed_over_and_the_step_says_so(desk, talker, settings):
    spare = Talker(ModelServer(), Chat())
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, spare.server.address]
    settings.BREAKER_FAILURES = 1
    route(desk, talker.endpoint(), spare.endpoint())
    talker.fails("500 Oops")
    spare.says("The spare one answers.")
    desk.start("Hello")
    run = desk.start("Hello again")
    spare.server.stop()
    assert run.outcome["text"] == "The spare one answers."
    assert len(talker.heard) == 1
    assert [one["reason"] for one in run.steps.get().output["refused"]] == ["breaker"]
    assert UsageRecord.objects.filter(run_id=run.id).count() == 1


def test_batch_calls_leave_a_quarter_of_the_places_to_others(caller):
    narrow = endpoint(at_once=4)
    took = at_once(*[partial(take, caller(priority="batch"), narrow) for _ in range(6)])
    assert sum(isinstance(one, Place) for one in took) == 3
    refused = next(one for one in took if isinstance(one, Refused))
    assert refused.sentence.startswith(
        f"{narrow.name} may be called by 4 at once, and a share of that is kept for others"
    )
    assert isinstance(take(caller(), narrow), Place)
    assert isinstance(take(caller(), narrow), Refused)


def test_batch_call_that_waits_has_a_place_kept_for_it_and_no_longer(caller):
    narrow, steps = endpoint(at_once=4), [caller() for _ in range(4)]
    places = [take(step, narrow) for step in steps]
    waiting = caller(priority="batch")
    wait_for_turn(waiting, take(waiting, narrow))
    give_back(steps[0], places[0], error=None, tokens=None)
    assert isinstance(take(caller(), narrow), Refused)
    assert isinstance(take(waiting, narrow), Place)
    give_back(steps[1], places[1], error=None, tokens=None)
    EndpointState.objects.update(batch_waits_until=ClockTimestamp())  # nobody of them looks any more
    assert isinstance(take(caller(), narrow), Place)
