"""Who may decide this? The answer is that of the decision's own checks, for everybody, in as many statements."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.console.deciders import who_may_decide
from approvals.models import Request, ReviewQueue
from approvals.operations import ask_for_budget
from approvals.permissions import candidates, deciders
from tests.factories import SETUP, make_person, make_team
from workspaces.errors import DomainError
from workspaces.operations import keys, people, teams

pytestmark = pytest.mark.django_db
NAMES = ["owner", "reviewer", "finance", "member", "stranger", "disabled", "service"]


@pytest.fixture
def onlooker(house):
    """Somebody whose team may read the queue and not decide in it."""
    person = make_person("onlooker", house.cast.workspace)
    team = make_team(house.cast.workspace, "Onlookers", person)
    teams.grant(team=team, codename="view_reviewqueue", target=ReviewQueue.objects.get(is_default=True), by=SETUP)
    return person


def standing(request, person):
    """What the answer says of one person; those who are not asked about may not."""
    found = [one for one in deciders(request, candidates(request)) if one.user == person]
    return found[0] if found else None


def may(house, request, person, kind, **said):
    """Whether the decision itself is taken from them; nothing of it stays."""
    try:
        with transaction.atomic():
            house.answer(request, kind, by=person, **said)
            transaction.set_rollback(True)
    except DomainError:
        return False
    return True


def begun_by(house, who):
    return house.asked(causes=[house.cast[who].id])


def late(house):
    request = house.asked()
    Request.objects.filter(pk=request.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return Request.objects.get(pk=request.pk)


def approved_once(house):
    ReviewQueue.objects.update(quorum=2)
    request = house.asked(causes=[house.cast.member.id])
    house.answer(request, by=house.cast.reviewer)
    return Request.objects.get(pk=request.pk)


def closed(house):
    request = house.asked()
    house.answer(request, by=house.cast.reviewer)
    return Request.objects.get(pk=request.pk)


def key_made_by_finance(house):
    service = house.cast.service
    people.change_role(workspace=house.cast.workspace, user=house.cast.finance, role="owner", by=SETUP)
    keys.issue_key(workspace=house.cast.workspace, account=service, name="second", by=house.cast.finance)
    return house.asked(causes=[service.id])


STATES = {
    "as the owner began it": lambda house: house.asked(),
    "as the reviewer began it": lambda house: begun_by(house, "reviewer"),
    "as a program began it": lambda house: begun_by(house, "service"),
    "one has approved": approved_once,
    "a key that others made": key_made_by_finance,
    "late": late,
    "closed": closed,
}


@pytest.mark.parametrize("state", STATES)
def test_answer_is_what_the_decision_does(house, onlooker, state):
    teams.add_to_team(team=house.cast.reviewers, user=house.cast.service, by=SETUP)
    request = STATES[state](house)
    seen = {}
    for person in [*(house.cast[name] for name in NAMES), onlooker]:
        told = standing(request, person)
        said = (told.may_decide, told.may_approve) if told else (False, False)
        real = (may(house, request, person, "reject", reason="No."), may(house, request, person, "approve"))
        assert said == real, (str(person), told)
        assert bool(told.why_not) != told.may_approve if told else True
        seen[person.name] = told.code if told else "not asked"
    assert seen["Stranger"] == "not asked"
    if state not in {"late", "closed"}:
        assert (seen["Disabled"], seen["Onlooker"]) == ("disabled", "lacks_right")


def test_reasons_are_told_apart(house, onlooker):
    request = approved_once(house)
    codes = {str(one.user): one.code for one in deciders(request, candidates(request))}
    assert codes["Reviewer"] == "decided"
    assert codes["Disabled"] == "disabled"
    request = house.asked()
    told = {str(one.user): one for one in deciders(request, candidates(request))}
    assert told["Owner"].code == "caused"
    assert told["Reviewer"].may_approve
    assert who_may_decide(request) == "Finance and Reviewer may decide now."


def test_budget_of_owners_may_be_refused_by_those_who_may_not_extend_it(house):
    evidence = {"budget": {"owners_only": True, "name": "the workspace", "who": "Owners.", "limit": "5"}}
    request = ask_for_budget(
        workspace_id=house.cast.workspace.id,
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="More?",
        evidence=evidence,
        causes=[],
        by=SETUP,
    )
    told = standing(request, house.cast.reviewer)
    assert (told.may_decide, told.may_approve, told.code) == (True, False, "owners_only")
    assert "only an owner may extend the budget of the workspace" in told.why_not
    assert standing(request, house.cast.owner).may_approve


def test_statements_do_not_grow_with_people(house):
    request = house.asked()

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert deciders(request, candidates(request))
        return len(captured)

    count()
    before = count()
    for number in range(4):
        teams.add_to_team(team=house.cast.reviewers, user=make_person(f"more{number}", house.cast.workspace), by=SETUP)
        program = keys.create_service_account(
            workspace=house.cast.workspace, name=f"p{number}", owner=house.cast.owner, by=SETUP
        )
        teams.add_to_team(team=house.cast.reviewers, user=program, by=SETUP)
        keys.issue_key(workspace=house.cast.workspace, account=program, name="k", by=SETUP)
    assert len(list(candidates(request))) == 12
    assert count() == before <= 8


def test_sentence_names_a_few_and_counts_the_rest(house):
    request = house.asked()
    for number in range(7):
        teams.add_to_team(team=house.cast.reviewers, user=make_person(f"zed{number}", house.cast.workspace), by=SETUP)
    assert who_may_decide(request) == "Finance, Reviewer, Zed0, Zed1, Zed2 and 4 more may decide now."
    for one in deciders(request, candidates(request)):
        if one.may_decide:
            people.remove_member(workspace=house.cast.workspace, user=one.user, by=SETUP)
    assert who_may_decide(request) == "Nobody may decide on this now."
