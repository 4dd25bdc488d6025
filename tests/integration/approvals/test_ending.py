"""Requests that end without a decision."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from approvals.errors import AlreadyDecided, NoQueue
from approvals.models import Decision, Request, ReviewQueue
from approvals.operations import ask_for_budget, ask_to_settle, cancel_action, cancel_requests_of_run, expire_due
from approvals.operations import save_queue as save
from tests.factories import SETUP
from tests.house import REVIEW, at_once
from tools.connectors.base import Probe
from tools.models import Action
from tools.operations import settle
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def stopped(house):
    """Ask whether the run may go on beyond its budget."""
    return ask_for_budget(
        workspace_id=house.cast.workspace.id,
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="More?",
        evidence={},
        causes=[],
        by=SETUP,
    )


def an_hour_late():
    Request.objects.update(expires_at=timezone.now() - timedelta(hours=1))


@pytest.mark.parametrize(("on_expiry", "status"), [("expire", "expired"), ("reject", "rejected")])
def test_expiry_does_what_the_rule_says_even_an_hour_late(house, on_expiry, status):
    house.policy({**REVIEW, "on_expiry": on_expiry})
    request, other = house.asked(), house.asked()
    assert expire_due() == 0
    an_hour_late()
    Request.objects.filter(pk=other.pk).update(expires_at=timezone.now() + timedelta(hours=1))
    assert (expire_due(), expire_due()) == (1, 0)
    action = fresh(request.action)
    assert (fresh(request).status, action.status, action.explanation) == ("expired", status, "Nobody decided in time.")
    assert (fresh(other).status, fresh(other.action).status) == ("open", "in_review")


def test_a_request_that_cannot_be_ended_keeps_no_other_from_its_turn(house, caplog):
    house.policy({**REVIEW, "on_expiry": "expire"})
    stuck, other = house.asked(), house.asked()
    an_hour_late()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE tools_action ADD CHECK (id <> '{stuck.action_id}' OR status <> 'expired')")
    assert expire_due() == 1
    assert (fresh(stuck).status, fresh(other).status) == ("open", "expired")
    assert str(stuck.id) in caplog.text


def test_expiry_in_one_queue_ends_the_other_queues_requests(house):
    house.second_queue()
    house.policy(REVIEW, {**REVIEW, "name": "two", "queue": "money"})
    action = house.clear(house.propose())
    Request.objects.filter(queue__name="money").update(expires_at=timezone.now())
    assert expire_due() == 1
    assert set(Request.objects.values_list("status", flat=True)) == {"expired", "cancelled"}
    assert fresh(action).status == "expired"


def test_a_budget_request_expires_by_itself(house):
    request = stopped(house)
    an_hour_late()
    expire_due()
    assert fresh(request).status == "expired"


def test_a_run_that_ends_closes_the_requests_about_itself_only(house):
    about_run, about_action = stopped(house), house.asked()
    cancel_requests_of_run(run_id=house.run.id, explanation="Over.", by=SETUP)
    assert (fresh(about_run).status, fresh(about_action).status) == ("cancelled", "open")


def test_time_settles_no_doubt_so_people_are_asked_again(house):
    action = house.in_doubt()
    first = ask_to_settle(action_id=action.id, probe=Probe(None, "Nobody can tell."), by=SETUP)
    an_hour_late()
    assert expire_due() == 1
    second = house.request(action)
    assert (fresh(first).status, second.kind, second.evidence) == ("expired", "settle", first.evidence)
    house.answer(second, settlement="give_up")
    assert fresh(action).status == "failed"


def test_a_doubt_that_was_settled_by_proof_leaves_the_inbox(house):
    action = house.in_doubt()
    request = ask_to_settle(action_id=action.id, probe=Probe(None, "Nobody can tell."), by=SETUP)
    assert expire_due() == 0
    settle(action_id=action.id, happened=True, retry=False, sentence="A late result.", by=SETUP)
    assert expire_due() == 1
    assert (fresh(request).status, fresh(request).explanation) == ("cancelled", "It was settled: succeeded.")


def test_cancelling_leaves_what_has_begun_to_end(house):
    action = house.in_doubt()
    cancel_action(action_id=action.id, explanation="Stop.", by=SETUP)
    assert fresh(action).status == "in_doubt"


@pytest.mark.parametrize("tool", ["send", "change"])
def test_cancelling_ends_what_has_not_begun(house, tool):
    approved, proposed = house.approved(tool), house.propose(tool)
    for action in (approved, proposed):
        cancel_action(action_id=action.id, explanation="Stop.", by=SETUP)
        assert (fresh(action).status, fresh(action).explanation) == ("cancelled", "Stop.")


@pytest.mark.django_db(transaction=True)
def test_of_expiry_and_a_decision_at_once_one_wins(house):
    request = house.asked()
    an_hour_late()
    expired, answered = at_once(expire_due, lambda: house.answer(request))
    assert (expired, type(answered)) == (1, AlreadyDecided), answered
    assert (fresh(request).status, fresh(request.action).status) == ("expired", "expired")
    assert not Decision.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_sweeps_at_once_one_expires(house):
    house.asked()
    an_hour_late()
    assert sorted(at_once(expire_due, expire_due)) == [0, 1]
    assert Action.objects.get().status == "expired"


def test_a_new_default_queue_takes_the_place_of_the_old_one(house):
    save(workspace=house.cast.workspace, name="new", title="New", is_default=True, by=SETUP)
    assert list(ReviewQueue.objects.filter(is_default=True).values_list("name", flat=True)) == ["new"]


@pytest.mark.parametrize("wrong", [{"quorum": 0}, {"time_limit_seconds": 0}])
def test_a_queue_needs_somebody_and_some_time(house, wrong):
    with pytest.raises(InvalidInput):
        save(workspace=house.cast.workspace, name="new", title="New", by=SETUP, **wrong)


def test_without_a_queue_the_question_says_what_to_do(house):
    ReviewQueue.objects.update(is_default=False)
    with pytest.raises(NoQueue, match="Nobody can be asked"):
        stopped(house)
