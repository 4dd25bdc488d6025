"""Cancelling with rolling back: a durable wish, one preview, and nothing undone before a person confirms it."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from agents.engine.sweep import sweep
from agents.models import Run
from agents.operations import cancel_run, confirm_rollback
from agents.operations.wishes import due_wishes, prepare_rollback
from agents.tasks import drive_run
from tests.house import at_once, events
from workspaces.database import ClockTimestamp
from workspaces.errors import StaleState
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def half(desk):
    """A run that has changed the customer and waits for people on the mail."""
    customer = desk.crm.anybody("standard")

    def make():
        run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
        desk.answer(desk.request_for(run, "crm.customer.update"))
        return desk.rest(run)

    run = desk.begin("half", make)
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    return run, customer


def test_preview_is_made_by_a_worker_and_undoes_nothing_until_it_is_confirmed(desk, half):
    run, customer = half
    cancel_run(run_id=run.id, by=desk.cast.reviewer, roll_back=True)
    assert not run.rollbacks.exists()
    told = []
    sweep(told.append)
    assert told == [run.id]
    drive_run(str(run.id))
    preview = run.rollbacks.get()
    assert (preview.is_preview, preview.started_by) == (True, desk.cast.reviewer)
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert "run.rollback_asked" in events(run)
    confirm_rollback(rollback_id=preview.id, plan_digest=preview.plan_digest, by=desk.cast.reviewer)
    assert desk.rest(preview).status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "standard"


def test_wish_outlives_whoever_was_to_fulfil_it_and_waits_for_the_end_of_the_run(desk, half):
    run, _ = half
    Run.objects.filter(pk=run.pk).update(rollback_asked_by=desk.cast.reviewer, rollback_due_at=ClockTimestamp())
    assert (due_wishes(9), prepare_rollback(run.id)) == ([], None)
    cancel_run(run_id=run.id, by=desk.cast.owner, roll_back=True)
    assert due_wishes(9) == [run.id]
    assert due_wishes(9) == []  # somebody was told, and died
    Run.objects.filter(pk=run.pk).update(rollback_due_at=ClockTimestamp())
    assert due_wishes(9) == [run.id]
    assert prepare_rollback(run.id).started_by == desk.cast.reviewer
    assert (prepare_rollback(run.id), due_wishes(9), run.rollbacks.count()) == (None, [], 1)


def test_wish_that_cannot_be_fulfilled_says_so_and_ends(desk, half):
    run, _ = half
    idle = desk.start("Hello")
    if not idle.is_terminal:
        cancel_run(run_id=idle.id, by=desk.cast.owner)
    Run.objects.filter(pk=idle.pk).update(rollback_asked_by=desk.cast.owner, rollback_due_at=ClockTimestamp())
    assert prepare_rollback(idle.id) is None
    cancel_run(run_id=run.id, by=desk.cast.reviewer, roll_back=True)
    for team in (desk.cast.reviewers,):
        teams.remove_from_team(team=team, user=desk.cast.reviewer, by=desk.cast.owner)
    assert prepare_rollback(run.id) is None
    for one, sentence in ((idle, "nothing outside"), (run, "was not prepared")):
        one.refresh_from_db()
        assert (sentence in one.explanation, one.rollback_due_at) == (True, None)
        assert "run.rollback_not_prepared" in events(one)
    with pytest.raises(StaleState):
        cancel_run(run_id=run.id, by=desk.cast.owner, roll_back=True)


def test_wish_over_the_api_and_on_the_page(desk, half):
    run, _ = half
    api, browser = APIClient(), Client()
    api.force_login(desk.cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    browser.force_login(desk.cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert api.post(f"/api/v1/runs/{run.id}/cancel/", {"roll_back": "perhaps"}, format="json").status_code == 422
    said = api.post(f"/api/v1/runs/{run.id}/cancel/", {"roll_back": True}, format="json")
    assert (said.status_code, said.json()["rollback_due_at"] is not None) == (200, True)
    assert "Its rollback is being prepared" in browser.get(f"/runs/{run.id}/").content.decode()
    preview = prepare_rollback(run.id)
    assert f"/rollbacks/{preview.id}/" in browser.get(f"/runs/{run.id}/").content.decode()
    shown = api.get(f"/api/v1/runs/{run.id}/").json()
    assert (shown["rollbacks"], shown["rollback_due_at"]) == ([str(preview.id)], None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_preview(desk, half):
    run, _ = half
    cancel_run(run_id=run.id, by=desk.cast.reviewer, roll_back=True)
    made = at_once(*[lambda: prepare_rollback(run.id)] * 2)
    assert sorted(one is None for one in made) == [False, True]
    assert run.rollbacks.count() == 1
