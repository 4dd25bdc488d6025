"""Teams, and rights that never leave their workspace."""

import pytest

from agents.models import Agent
from approvals.models import ReviewQueue
from audit.ledger.models import Event
from tests.factories import make_team
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.operations import people, teams


@pytest.fixture
def queue(cast):
    return ReviewQueue.objects.create(workspace=cast.workspace, name="desk", title="Desk")


def test_grant_lets_the_team_decide_until_it_is_revoked(cast, queue):
    teams.grant(team=cast.reviewers, codename="decide_reviewqueue", target=queue, by=cast.owner)
    assert queue in ReviewQueue.objects.decidable_by(cast.reviewer)
    assert queue not in ReviewQueue.objects.visible_to(cast.finance)
    assert queue not in ReviewQueue.objects.visible_to(cast.disabled)
    teams.revoke(team=cast.reviewers, codename="decide_reviewqueue", target=queue, by=cast.owner)
    assert queue not in ReviewQueue.objects.visible_to(cast.reviewer)
    event = Event.objects.get(verb="team.granted")
    assert event.body == {"right": "decide_reviewqueue", "type": "reviewqueue", "id": str(queue.id)}


def test_invariant_14_grant_across_workspaces_is_refused_with_a_sentence(cast, queue):
    theirs = make_team(cast.elsewhere, "Theirs", cast.stranger)
    with pytest.raises(NotFound, match="no such review queue in Elsewhere"):
        teams.grant(team=theirs, codename="decide_reviewqueue", target=queue, by=cast.stranger)


def test_grant_is_for_owners_and_known_rights(cast, queue):
    with pytest.raises(Forbidden):
        teams.grant(team=cast.reviewers, codename="decide_reviewqueue", target=queue, by=cast.reviewer)
    for codename in ("delete_reviewqueue", "start_agent", ""):
        with pytest.raises(InvalidInput) as caught:
            teams.grant(team=cast.reviewers, codename=codename, target=queue, by=cast.owner)
        assert "decide_reviewqueue" in caught.value.hint
    teams.grant(team=cast.reviewers, codename="view_reviewqueue", target=queue, by=cast.owner)
    with pytest.raises(StaleState):
        teams.grant(team=cast.reviewers, codename="view_reviewqueue", target=queue, by=cast.owner)


def test_grant_is_refused_on_rows_without_rights_of_their_own(cast):
    with pytest.raises(InvalidInput, match="not granted on a single team"):
        teams.grant(team=cast.reviewers, codename="view_team", target=cast.financiers, by=cast.owner)


def test_revoke_what_was_never_granted_is_stale(cast):
    agent = Agent.objects.create(workspace=cast.workspace, name="a", title="A")
    with pytest.raises(StaleState):
        teams.revoke(team=cast.reviewers, codename="start_agent", target=agent, by=cast.owner)


def test_only_members_join_teams(cast):
    with pytest.raises(NotFound):
        teams.add_to_team(team=cast.reviewers, user=cast.stranger, by=cast.owner)
    with pytest.raises(NotFound):
        teams.add_to_team(team=cast.financiers, user=cast.disabled, by=cast.owner)
    with pytest.raises(StaleState):
        teams.add_to_team(team=cast.reviewers, user=cast.reviewer, by=cast.owner)
    with pytest.raises(StaleState):
        teams.remove_from_team(team=cast.reviewers, user=cast.finance, by=cast.owner)
    with pytest.raises(StaleState, match="already"):
        teams.create_team(workspace=cast.workspace, name="Reviewers", by=cast.owner)


def test_leaving_the_team_or_the_workspace_ends_its_rights(cast, queue):
    teams.grant(team=cast.reviewers, codename="decide_reviewqueue", target=queue, by=cast.owner)
    teams.add_to_team(team=cast.reviewers, user=cast.finance, by=cast.owner)
    teams.remove_from_team(team=cast.reviewers, user=cast.finance, by=cast.owner)
    assert queue not in ReviewQueue.objects.visible_to(cast.finance)
    people.remove_member(workspace=cast.workspace, user=cast.reviewer, by=cast.owner)
    assert queue not in ReviewQueue.objects.visible_to(cast.reviewer)
