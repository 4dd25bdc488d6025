"""Who counts as a person, who as a cause, and what a quorum has to agree on (DESIGN invariant 12)."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from approvals.errors import MayNotDecide
from approvals.models import Decision, Request, ReviewQueue, Verdict
from approvals.operations import ask_for_budget, ask_to_settle, save_queue
from tests.factories import SETUP, make_person
from tests.house import ALLOW, REVIEW, at_once, make_tool
from tools.connectors.base import Probe
from tools.errors import NotCleared
from tools.models import Action
from tools.ports import gate
from workspaces.errors import InvalidInput
from workspaces.operations import keys, people, teams

pytestmark = pytest.mark.django_db
TWO = {"name": "default", "title": "R", "is_default": True, "quorum": 2, "by": SETUP}
EDITED = {"name": "ada", "value": "mine"}


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def bot(house, owner, maker):
    """A service account that may decide: ``owner`` answers for it, ``maker`` holds its key."""
    cast = house.cast
    account = keys.create_service_account(workspace=cast.workspace, name=f"bot-{maker.name}", owner=owner, by=SETUP)
    teams.add_to_team(team=cast.reviewers, user=account, by=SETUP)
    people.change_role(workspace=cast.workspace, user=maker, role="owner", by=cast.owner)
    keys.issue_key(workspace=cast.workspace, account=account, name="k", by=maker)
    return account


def revised(house, request, by=None):
    house.answer(request, "edit", by=by, arguments=EDITED)
    revision = Action.objects.get(revises=request.action)
    return gate().clear(revision.id)


def test_invariant_12_whoever_holds_a_key_of_another_ones_account_votes_once(house):
    save_queue(workspace=house.cast.workspace, **TWO)
    account = bot(house, owner=house.cast.reviewer, maker=house.cast.finance)
    request = house.asked()
    house.answer(request, by=house.cast.finance)
    with pytest.raises(MayNotDecide, match="decided on this already"):
        house.answer(request, by=account)
    assert not Request.objects.waiting_for(account).exists()
    with pytest.raises(IntegrityError, match="one person decides once"), transaction.atomic():
        Decision.objects.create(workspace=house.cast.workspace, request=request, user=account, kind="approve")
    house.answer(request, by=house.cast.reviewer)
    assert fresh(request.action).status == "approved"


def test_invariant_12_what_ones_service_account_decided_waits_for_oneself_no_more(house):
    save_queue(workspace=house.cast.workspace, **TWO)
    account = bot(house, owner=house.cast.reviewer, maker=house.cast.finance)
    request = house.asked()
    house.answer(request, by=account)
    waiting = [person for person in ("reviewer", "finance") if Request.objects.waiting_for(house.cast[person]).exists()]
    assert waiting == []
    colleague = make_person("colleague", house.cast.workspace)
    teams.add_to_team(team=house.cast.reviewers, user=colleague, by=SETUP)
    assert Request.objects.waiting_for(colleague).get() == request


@pytest.mark.django_db(transaction=True)
def test_invariant_12_the_trigger_alone_holds_against_two_inserts_at_once(house):
    save_queue(workspace=house.cast.workspace, **TWO)
    account = bot(house, owner=house.cast.reviewer, maker=house.cast.finance)
    request = house.asked()

    def insert(user):
        row = {"workspace": house.cast.workspace, "request": request, "user": user, "kind": "approve"}
        return lambda: Decision.objects.create(**row)

    answers = at_once(insert(house.cast.finance), insert(account))
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 1, answers
    assert Decision.objects.filter(request=request).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_queues_that_are_made_the_default_at_once_one_is(cast):
    def make(name):
        values = {"workspace": cast.workspace, "name": name, "title": name, "is_default": True, "by": SETUP}
        return lambda: save_queue(**values)

    make("present")()
    answers = at_once(make("one"), make("two"))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert ReviewQueue.objects.filter(is_default=True).count() == 1


def test_invariant_13_a_service_accounts_decision_ends_with_who_answers_for_it(house):
    helper = make_person("helper", house.cast.workspace)
    account = keys.create_service_account(workspace=house.cast.workspace, name="bot", owner=helper, by=SETUP)
    teams.add_to_team(team=house.cast.reviewers, user=account, by=SETUP)
    request = house.asked()
    house.answer(request, by=account)
    people.remove_member(workspace=house.cast.workspace, user=helper, by=SETUP)
    with pytest.raises(NotCleared, match="no longer has the right"):
        house.execute(fresh(request.action))
    assert gate().clear(request.action_id).status == "in_review"


def test_invariant_12_people_who_settle_a_doubt_differently_do_not_agree(house):
    save_queue(workspace=house.cast.workspace, **{**TWO, "quorum": 1})
    action = house.in_doubt()
    save_queue(workspace=house.cast.workspace, **TWO)
    request = ask_to_settle(action_id=action.id, probe=Probe(None, "Nobody can tell."), by=SETUP)
    third = make_person("third", house.cast.workspace)
    teams.add_to_team(team=house.cast.reviewers, user=third, by=SETUP)
    house.answer(request, settlement="happened")
    house.answer(request, by=house.cast.finance, settlement="retry")
    assert (fresh(request).status, fresh(action).status) == ("open", "in_doubt")
    house.answer(request, by=third, settlement="happened")
    assert (fresh(request).status, fresh(action).status) == ("approved", "succeeded")


def test_invariant_12_a_quorum_agrees_on_one_limit(house):
    save_queue(workspace=house.cast.workspace, **TWO)
    where = {"workspace_id": house.cast.workspace.id, "run_id": house.run.id, "agent_id": house.agent.id}
    request = ask_for_budget(**where, title="t", evidence={}, causes=house.run.causes, by=SETUP)
    house.answer(request, amount=Decimal("5"), steps=40)
    with pytest.raises(InvalidInput, match=r"Reviewer has approved 5 USD and 40 steps"):
        house.answer(request, by=house.cast.finance, amount=Decimal("5000"), steps=40)
    house.answer(request, by=house.cast.finance, amount=Decimal("5.00"), steps=40)
    assert fresh(request).status == "approved"


def test_invariant_12_a_lenient_queue_gives_no_right_in_another(house):
    """Editors may approve their wording in the queue where they edited; what they made of it goes to a strict one."""
    save_queue(
        workspace=house.cast.workspace, name="default", title="R", is_default=True, editors_may_approve=True, by=SETUP
    )
    teams.grant(team=house.cast.reviewers, codename="decide_reviewqueue", target=house.second_queue(), by=SETUP)
    strict = {**REVIEW, "name": "strict", "queue": "money", "when": "action.arguments.value == 'mine'"}
    house.policy({**REVIEW, "when": "action.arguments.value != 'mine'"}, strict)
    revision = revised(house, house.asked())
    with pytest.raises(MayNotDecide, match="You brought this about"):
        house.answer(house.request(revision))
    house.answer(house.request(revision), by=house.cast.finance)
    assert fresh(revision).status == "approved"


def test_invariant_12_nobody_approves_their_own_wording_of_what_moves_money(house):
    save_queue(
        workspace=house.cast.workspace, name="default", title="R", is_default=True, editors_may_approve=True, by=SETUP
    )
    make_tool(house.cast, house.connection, "send", moves_money=True)
    request = house.asked()
    assert "It moves money." in request.reasons
    revision = revised(house, request)
    with pytest.raises(MayNotDecide, match="You brought this about"):
        house.answer(house.request(revision))


def test_invariant_12_an_edit_does_not_discharge_the_review_that_asked_for_others(house):
    """An editor's values count as trusted, so the rule that asked for people falls silent about the revision."""
    house.policy(ALLOW, {**REVIEW, "when": "!provenance.all_trusted"})
    leaves = [
        {"path": f"/{name}", "value": f'"{name}"', "sources": [], "trusted": False, "coincidence": False}
        for name in EDITED
    ]
    request = house.asked(provenance=leaves, arguments={"name": "eva", "value": "new"})
    revision = revised(house, request)
    assert (revision.status, Verdict.objects.get(action=revision).outcome) == ("in_review", "review")
    with pytest.raises(MayNotDecide, match="You brought this about"):
        house.answer(house.request(revision))
    house.answer(house.request(revision), by=house.cast.finance)
    assert fresh(revision).status == "approved"


@pytest.mark.parametrize("change", [{"evidence": {}}, {"causes": []}, {"quorum": 0}, {"title": "Harmless"}])
def test_invariant_12_the_database_refuses_to_change_what_is_decided_on(house, change):
    request = house.asked()
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Request.objects.filter(pk=request.pk).update(**change)


def test_invariant_12_a_verdict_is_not_rewritten(house):
    action = house.asked().action
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Verdict.objects.filter(action=action).update(outcome="allow")
