"""A failed run goes on at the model call that failed, by a person, once; and at nothing else."""

from datetime import timedelta

import pytest
from django.db.models import F

from agents.engine.claims import WORKER
from agents.engine.clock import time_spent
from agents.engine.outcomes import end_run
from agents.errors import NothingToRetry
from agents.models import Run
from agents.operations import cancel_run, retry_step
from agents.operations.retrying import retryable_step
from agents.states import RunStatus, StepStatus
from audit.ledger.models import Event
from tests.house import at_once, events
from workspaces.database import ClockTimestamp
from workspaces.errors import NotFound
from workspaces.ids import uuid7
from workspaces.transitions import transition

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(desk):
    return fail(desk.start("Hello"))


def fail(run):
    """Let the run have failed at its last step, as where its model could not be reached."""
    last = run.steps.order_by("-number").first()
    Run.objects.filter(pk=run.pk).update(**{"status": "running", "finished_at": None, "outcome": None})
    run.steps.filter(pk=last.pk).update(**{"status": "running", "incarnation": uuid7()})
    run.refresh_from_db()
    last.refresh_from_db()
    transition(last, StepStatus.FAILED, by=WORKER, incarnation=None, explanation="Down.", finished_at=ClockTimestamp())
    end_run(run, RunStatus.FAILED, explanation="Down.")
    return run


def last_of(run):
    return run.steps.order_by("-number").first()


def test_run_goes_on_where_it_failed_and_ends(desk, failed):
    step, attempt = last_of(failed), last_of(failed).attempt
    run = retry_step(run_id=failed.id, step_id=step.id, by=desk.cast.reviewer)
    assert (run.status, run.explanation, run.finished_at, run.open_steps) == ("running", "", None, 1)
    assert desk.cast.reviewer.id in run.causes
    run = desk.rest(run)
    step.refresh_from_db()
    assert (run.status, step.status, step.attempt) == ("succeeded", "succeeded", attempt + 1)
    body = Event.objects.get(verb="run.running", subject_id=str(run.id), body__step=str(step.id))
    assert (body.actor, body.body["from"]) == (f"user:{desk.cast.reviewer.id}", "failed")
    assert "step.ready" in events(step)


def test_limits_hold(desk, failed):
    Run.objects.filter(pk=failed.pk).update(step_limit=1)
    retry_step(run_id=failed.id, step_id=last_of(failed).id, by=desk.cast.owner)
    run = desk.rest(failed)
    assert run.status == "waiting"
    assert [one.kind for one in desk.requests(run)] == ["budget"]


def test_who_may_and_what_is_not_there(desk, failed):
    step = last_of(failed)
    for name in ("member", "stranger", "disabled"):
        with pytest.raises(NotFound):
            retry_step(run_id=failed.id, step_id=step.id, by=desk.cast[name])
        assert retryable_step(failed, desk.cast[name]) is None
    with pytest.raises(NotFound):
        retry_step(run_id=failed.id, step_id=uuid7(), by=desk.cast.owner)
    assert retryable_step(failed, desk.cast.owner) == step


def test_what_has_not_failed_is_refused(desk):
    run = desk.start("Hello")
    with pytest.raises(NothingToRetry):
        retry_step(run_id=run.id, step_id=last_of(run).id, by=desk.cast.owner)


@pytest.mark.parametrize(("status", "sentence"), [("in_doubt", "may have happened"), ("rejected", "was refused")])
def test_actions_are_never_done_again(desk, status, sentence):
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    action = run.steps.filter(action__isnull=False).order_by("-number").first().action
    cancel_run(run_id=run.id, by=desk.cast.owner)
    type(action).objects.filter(pk=action.pk).update(**{"status": status})
    with pytest.raises(NothingToRetry, match=sentence):
        retry_step(run_id=run.id, step_id=action.step.id, by=desk.cast.owner)


def test_what_was_to_be_cancelled_or_is_emptied_is_refused(desk, failed):
    for values in ({"cancel_requested_at": ClockTimestamp()}, {"emptied_at": ClockTimestamp()}):
        Run.objects.filter(pk=failed.pk).update(**{"cancel_requested_at": None, "emptied_at": None, **values})
        with pytest.raises(NothingToRetry):
            retry_step(run_id=failed.id, step_id=last_of(failed).id, by=desk.cast.owner)


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_go_on_once(desk, failed):
    step = last_of(failed)
    people = (desk.cast.owner, desk.cast.reviewer, desk.cast.finance)
    answers = at_once(*[lambda by=by: retry_step(run_id=failed.id, step_id=step.id, by=by) for by in people])
    assert sorted(type(answer).__name__ for answer in answers) == ["NothingToRetry", "NothingToRetry", "Run"]
    assert events(step).count("step.ready") == 2


def test_button_is_there_and_goes_on(desk, failed, client):
    client.force_login(desk.cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert f'action="/runs/{failed.id}/retry/"' in client.get(f"/runs/{failed.id}/").content.decode()
    assert client.post(f"/runs/{failed.id}/retry/")["Location"] == f"/runs/{failed.id}/"
    assert "/retry/" not in client.get(f"/runs/{failed.id}/").content.decode()


def test_time_for_which_it_was_over_is_not_counted(desk, failed):
    earlier = {name: F(name) - timedelta(hours=5) for name in ("started_at", "finished_at")}
    Run.objects.filter(pk=failed.pk).update(**earlier, time_limit_seconds=600)
    retry_step(run_id=failed.id, step_id=last_of(failed).id, by=desk.cast.owner)
    assert time_spent(failed.id) < timedelta(minutes=5)
    assert desk.rest(failed).status == "succeeded"
