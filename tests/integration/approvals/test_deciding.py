"""One person's answer to one request: who may, what it must say, and what follows."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from approvals.errors import AlreadyDecided, EvidenceChanged, MayNotDecide
from approvals.models import Decision, Request
from approvals.operations import ask_to_settle, cancel_action, save_queue
from approvals.permissions import refusal
from tests.factories import SETUP
from tests.house import REVIEW, at_once, events
from tools.connectors.base import Probe
from tools.models import Action
from tools.operations import settle
from tools.ports import gate
from workspaces.errors import InvalidInput, NotFound, StaleState
from workspaces.ids import uuid7
from workspaces.operations import keys, people, teams

pytestmark = pytest.mark.django_db
BOTH = {"title": "R", "is_default": True, "by": SETUP}


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def nothing_moved(request):
    assert fresh(request).status == "open"
    assert fresh(request.action).status == "in_review"
    assert not Decision.objects.filter(request=request).exists()


def may_not(house, request, who, kind="approve", **said):
    with pytest.raises(MayNotDecide) as caught:
        house.answer(request, kind, by=who, **said)
    nothing_moved(request)
    return caught.value.message


@pytest.fixture
def everybody(house):
    """All who could have a hand in it may decide in the queue, as far as rights go."""
    teams.add_to_team(team=house.cast.reviewers, user=house.cast.service, by=SETUP)
    return house


def test_an_approval_lets_it_pass(house):
    request = house.asked()
    decision = house.answer(request, reason="Fine.")
    assert (fresh(request).status, fresh(request.action).status, decision.user) == (
        "approved",
        "approved",
        house.cast.reviewer,
    )
    assert "request.decided" in events(request)
    assert "request.approved" in events(request)


def test_invariant_12_the_owner_who_started_it_may_not_decide(everybody):
    request = everybody.asked()
    assert "brought this about" in may_not(everybody, request, everybody.cast.owner)
    assert "brought this about" in refusal(everybody.cast.owner, request)
    assert refusal(everybody.cast.reviewer, request) == ""
    assert request not in Request.objects.waiting_for(everybody.cast.owner)
    assert request in Request.objects.waiting_for(everybody.cast.reviewer)


def test_invariant_12_nor_a_service_account_of_theirs(everybody):
    request = everybody.asked()
    may_not(everybody, request, everybody.cast.service)
    assert request not in Request.objects.waiting_for(everybody.cast.service)


def test_invariant_12_nor_the_owner_of_the_service_account_that_started_it(everybody):
    causes = [everybody.cast.service.id, everybody.cast.owner.id]
    may_not(everybody, everybody.asked(causes=causes), everybody.cast.owner)


def test_invariant_12_nor_whoever_made_its_key(everybody):
    cast = everybody.cast
    people.change_role(workspace=cast.workspace, user=cast.finance, role="owner", by=SETUP)
    keys.issue_key(workspace=cast.workspace, account=cast.service, name="second", by=cast.finance)
    started = [*map(str, cast.service.cause_ids())]
    assert str(cast.finance.id) in started
    may_not(everybody, everybody.asked(causes=started), cast.finance)
    may_not(everybody, everybody.asked(causes=[cast.finance.id]), cast.service)


@pytest.mark.parametrize("name", ["owner", "service"])
def test_invariant_12_the_database_refuses_too(everybody, name):
    request = everybody.asked()
    with pytest.raises(IntegrityError, match="nobody decides on what they caused"), transaction.atomic():
        Decision.objects.create(
            workspace=everybody.cast.workspace, request=request, user=everybody.cast[name], kind="approve"
        )


def test_invariant_12_whoever_edited_may_not_approve_their_own_wording(house):
    request = house.asked()
    house.answer(request, "edit", arguments={"name": "ada", "value": "mine"})
    revision = Action.objects.get(revises=request.action)
    gate().clear(revision.id)
    may_not(house, house.request(revision), house.cast.reviewer)
    house.answer(house.request(revision), by=house.cast.finance)
    assert fresh(revision).status == "approved"


def test_invariant_12_nor_the_person_behind_the_service_account_that_edited(house):
    cast = house.cast
    service = keys.create_service_account(workspace=cast.workspace, name="bot", owner=cast.reviewer, by=SETUP)
    teams.add_to_team(team=cast.reviewers, user=service, by=SETUP)
    request = house.asked()
    house.answer(request, "edit", by=service, arguments={"name": "ada", "value": "mine"})
    revision = Action.objects.get(revises=request.action)
    gate().clear(revision.id)
    may_not(house, house.request(revision), cast.reviewer)


def test_invariant_12_unless_the_queue_lets_editors_approve(house):
    save_queue(workspace=house.cast.workspace, name="default", editors_may_approve=True, **BOTH)
    request = house.asked()
    house.answer(request, "edit", arguments={"name": "ada", "value": "mine"})
    revision = Action.objects.get(revises=request.action)
    gate().clear(revision.id)
    house.answer(house.request(revision))
    assert fresh(revision).status == "approved"


def test_invariant_12_a_quorum_counts_distinct_people(house):
    cast = house.cast
    service = keys.create_service_account(workspace=cast.workspace, name="bot", owner=cast.reviewer, by=SETUP)
    teams.add_to_team(team=cast.reviewers, user=service, by=SETUP)
    save_queue(workspace=cast.workspace, name="default", quorum=2, **BOTH)
    request = house.asked()
    house.answer(request)
    assert (fresh(request).status, fresh(request).approvals) == ("open", 1)
    for again in (cast.reviewer, service):
        with pytest.raises(MayNotDecide, match="decided on this already"):
            house.answer(request, by=again)
    with pytest.raises(IntegrityError, match="one person decides once"), transaction.atomic():
        Decision.objects.create(workspace=cast.workspace, request=request, user=service, kind="approve")
    house.answer(request, by=cast.finance)
    assert (fresh(request).status, fresh(request.action).status) == ("approved", "approved")


def test_invariant_13_the_right_is_checked_at_the_moment_of_the_decision(house):
    house.second_queue()
    teams.grant(team=house.cast.reviewers, codename="view_reviewqueue", target=fresh(house.queue), by=SETUP)
    request = house.asked()
    teams.revoke(team=house.cast.reviewers, codename="decide_reviewqueue", target=house.queue, by=SETUP)
    assert "may not decide" in may_not(house, request, house.cast.reviewer)


@pytest.mark.parametrize("name", ["member", "stranger", "disabled", "service"])
def test_invariant_14_a_request_is_nothing_to_outsiders(house, name, django_assert_num_queries):
    request = house.asked()
    for ident in (request.id, uuid7()):
        request.id = ident
        with django_assert_num_queries(5), pytest.raises(NotFound, match="no such request"):
            house.answer(request, by=house.cast[name])
    assert not Request.objects.visible_to(house.cast[name]).exists()


def test_a_decision_on_something_decided_says_who_and_when(house):
    request = house.asked()
    house.answer(request, "reject", reason="No.")
    with pytest.raises(AlreadyDecided, match=r"Reviewer decided on this already \(reject, 20"):
        house.answer(request, by=house.cast.finance)
    assert Decision.objects.count() == 1


def test_a_decision_on_something_superseded_names_nobody_who_did_not_end_it(house):
    action = house.approved()
    request = Request.objects.get()
    house.policy({**REVIEW, "quorum": 2})
    gate().clear(action.id)
    with pytest.raises(AlreadyDecided, match="is superseded: What it rested on has changed"):
        house.answer(request, by=house.cast.finance)


def test_a_decision_on_something_cancelled_says_why(house):
    request = house.asked()
    cancel_action(action_id=request.action_id, explanation="The run was cancelled.", by=SETUP)
    with pytest.raises(AlreadyDecided, match="cancelled: The run was cancelled"):
        house.answer(request)


def test_a_decision_an_hour_late_is_refused(house):
    request = house.asked()
    Request.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(AlreadyDecided, match="run out"):
        house.answer(request)
    nothing_moved(request)


def test_invariant_02_a_decision_is_on_the_evidence_that_was_seen(house):
    request = house.asked()
    with pytest.raises(EvidenceChanged):
        house.answer(request, seen="0" * 64)
    nothing_moved(request)


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("reject", {}, "reason"),
        ("reject", {"reason": "  "}, "reason"),
        ("respond", {}, "reason"),
        ("edit", {}, "arguments"),
        ("edit", {"arguments": {"name": "ada"}}, "/value"),
        ("edit", {"arguments": {"name": "ada", "value": 3}}, "/value"),
        ("edit", {"arguments": {"name": "ada", "value": "new"}}, None),
        ("approve", {"reason": "x" * 4001}, None),
    ],
)
def test_an_answer_that_does_not_fit_loses_nothing(house, kind, said, field):
    request = house.asked()
    with pytest.raises(InvalidInput) as caught:
        house.answer(request, kind, **said)
    assert field is None or field in caught.value.fields, caught.value.fields
    nothing_moved(request)
    assert Action.objects.count() == 1


@pytest.mark.parametrize(("kind", "status"), [("reject", "rejected"), ("respond", "answered")])
def test_a_rejection_reaches_the_action_and_leaves_siblings_alone(house, kind, status):
    one, other = house.asked(), house.asked(arguments={"name": "ada", "value": "other"})
    house.answer(one, kind, reason="Not like this.")
    action = fresh(one.action)
    assert (action.status, action.explanation) == (status, "Not like this.")
    nothing_moved(other)


def test_a_rejection_in_one_queue_ends_the_other_queues_requests(house):
    house.second_queue()
    house.policy(REVIEW, {**REVIEW, "name": "two", "queue": "money"})
    action = house.clear(house.propose())
    house.answer(house.request(action, queue__name="default"), "reject", reason="No.")
    assert set(Request.objects.values_list("status", flat=True)) == {"rejected", "cancelled"}
    assert fresh(action).status == "rejected"


def test_an_edit_makes_a_revision_that_is_gated_anew(house):
    request = house.asked()
    decision = house.answer(request, "edit", arguments={"name": "ada", "value": "edited"})
    revision = decision.revision
    assert (fresh(request).status, fresh(request.action).status) == ("superseded", "superseded")
    assert (revision.revises_id, revision.status, revision.step_id) == (
        request.action_id,
        "proposed",
        request.action.step_id,
    )
    assert gate().clear(revision.id).status == "in_review"
    assert house.request(revision).evidence["revises"]["arguments"] == {"name": "ada", "value": "new"}
    sources = {leaf["path"]: leaf["sources"] for leaf in revision.provenance}
    assert sources["/value"] == [f"person:{house.cast.reviewer.id}"]


def test_edited_arguments_that_violate_the_policy_are_denied(house):
    house.policy(REVIEW, {"name": "no", "when": "action.arguments.value == 'bad'", "reason": "Bad.", "outcome": "deny"})
    house.answer(house.asked(), "edit", arguments={"name": "ada", "value": "bad"})
    revision = Action.objects.get(revises__isnull=False)
    assert gate().clear(revision.id).explanation == "Bad."


def test_cancelling_reaches_the_revision_of_what_was_edited(house):
    request = house.asked()
    house.answer(request, "edit", arguments={"name": "ada", "value": "edited"})
    cancel_action(action_id=request.action_id, explanation="Stop.", by=SETUP)
    assert Action.objects.get(revises=request.action).status == "cancelled"


def test_invariant_18_an_undo_is_not_edited(house):
    original = house.execute(house.approved("change"))
    house.policy(REVIEW)
    request = house.asked("change", arguments=original.undo_plan["arguments"], compensates=original)
    message = may_not(house, request, house.cast.reviewer, "edit", arguments={"name": "ada", "value": "x"})
    assert "exactly as it was recorded" in message


def doubtful(house, **more):
    action = house.in_doubt(**more)
    return ask_to_settle(action_id=action.id, probe=Probe(None, "Nobody can tell."), by=SETUP)


@pytest.mark.parametrize(
    ("settlement", "status"), [("happened", "succeeded"), ("retry", "approved"), ("give_up", "failed")]
)
def test_invariant_05_a_person_settles_a_doubt(house, settlement, status):
    request = doubtful(house)
    assert ask_to_settle(action_id=request.action_id, probe=Probe(None, "x"), by=SETUP) == request
    house.answer(request, settlement=settlement)
    assert (fresh(request).status, fresh(request.action).status) == ("approved", status)
    assert "Reviewer settled it" in fresh(request.action).explanation


@pytest.mark.parametrize(
    ("kind", "said"),
    [("approve", {}), ("reject", {"reason": "no"}), ("respond", {"reason": "no"})],
)
def test_a_doubt_is_settled_by_saying_what_happened(house, kind, said):
    request = doubtful(house)
    with pytest.raises(InvalidInput, match="Say whether it happened"):
        house.answer(request, kind, **said)
    assert fresh(request.action).status == "in_doubt"


def test_a_doubt_cannot_be_edited(house):
    with pytest.raises(MayNotDecide, match="Only a proposed action"):
        house.answer(doubtful(house), "edit", arguments={})


def test_settling_what_was_settled_meanwhile_changes_nothing(house):
    request = doubtful(house)
    settle(action_id=request.action_id, happened=True, retry=False, sentence="Proof.", by=SETUP)
    with pytest.raises(StaleState, match="no such doubt"):
        house.answer(request, settlement="retry")
    assert (fresh(request.action).status, Decision.objects.filter(request=request).count()) == ("succeeded", 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_wins_and_the_other_is_told_who(house):
    request = house.asked()
    answers = at_once(
        lambda: house.answer(request),
        lambda: house.answer(request, "reject", by=house.cast.finance, reason="No."),
    )
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    won = Decision.objects.get()
    assert [type(error) for error in lost] == [AlreadyDecided], answers
    assert f"{won.user} decided on this already" in lost[0].message
    assert fresh(request.action).status == ("approved" if won.kind == "approve" else "rejected")


@pytest.mark.django_db(transaction=True)
def test_two_votes_at_once_close_a_quorum_of_two_exactly_once(house):
    save_queue(workspace=house.cast.workspace, name="default", quorum=2, **BOTH)
    request = house.asked()
    at_once(lambda: house.answer(request), lambda: house.answer(request, by=house.cast.finance))
    assert (fresh(request).status, fresh(request).approvals) == ("approved", 2)
    assert events(request).count("request.approved") == events(request.action).count("action.approved") == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_person_at_once_twice_counts_once(house):
    save_queue(workspace=house.cast.workspace, name="default", quorum=2, **BOTH)
    request = house.asked()
    answers = at_once(*[lambda: house.answer(request)] * 3)
    assert sum(isinstance(answer, MayNotDecide) for answer in answers) == 2, answers
    assert (fresh(request).status, fresh(request).approvals) == ("open", 1)
