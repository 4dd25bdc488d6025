"""A restricted connection serves only the runs of those who may use it: at the start, at the gate and at the claim."""

import pytest
from django.db import IntegrityError, transaction

from agents.operations import start_run
from approvals.gate import may_use_connection
from tests.factories import SETUP
from tests.house import ALLOW, events
from tools.errors import NotCleared, ToolUnavailable
from tools.models import Action, Connection, ConnectionGrant
from tools.operations import create_connection, observe, update_connection
from tools.ports import gate
from tools.states import AttemptKind
from workspaces.errors import Forbidden, NotFound
from workspaces.ids import uuid7
from workspaces.operations import people, teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def restricted(house):
    """The house, whose connection is restricted, and whose agent reviewers may give tasks to."""
    teams.grant(team=house.cast.reviewers, codename="start_agent", target=house.agent, by=SETUP)
    update_connection(connection=house.connection, is_restricted=True, by=SETUP)
    return house


def started(house, **more):
    """Let the reviewer start the run of which the house proposes actions."""
    house.run = start_run(agent_id=house.agent.id, text="Please do it.", by=house.cast.reviewer, **more)
    return house


def use(house, change=teams.grant):
    change(team=house.cast.reviewers, codename="use_connection", target=house.connection, by=SETUP)


def test_a_connection_is_open_to_whoever_may_start_the_agent_until_it_is_restricted(house):
    teams.grant(team=house.cast.reviewers, codename="start_agent", target=house.agent, by=SETUP)
    house.policy(ALLOW)
    assert started(house).clear(house.propose()).status == "approved"


def test_a_run_is_started_by_those_alone_who_may_use_the_agents_connections(restricted):
    with pytest.raises(Forbidden, match="You may not use spy, which Agent works with"):
        started(restricted)
    teams.grant(team=restricted.cast.reviewers, codename="manage_connection", target=restricted.connection, by=SETUP)
    with pytest.raises(Forbidden):
        started(restricted)
    use(restricted)
    assert started(restricted).run.started_by == restricted.cast.reviewer
    assert start_run(agent_id=restricted.agent.id, text="Mine.", by=restricted.cast.owner).status == "queued"


def test_a_team_may_try_in_the_sandbox_what_it_may_not_use_live(restricted):
    twin = create_connection(
        workspace=restricted.cast.workspace,
        name="spy-sandbox",
        kind="spy",
        config={},
        secret={},
        environment="sandbox",
        by=SETUP,
    )
    update_connection(connection=restricted.connection, sandbox=twin, by=SETUP)
    restricted.policy(ALLOW)
    tried = started(restricted, environment="sandbox")
    assert tried.clear(tried.propose()).status == "approved"
    update_connection(connection=twin, is_restricted=True, by=SETUP)
    with pytest.raises(Forbidden, match="spy-sandbox"):
        started(restricted, environment="sandbox")


def test_invariant_13_the_gate_denies_what_the_starter_may_not_use_any_more(restricted):
    use(restricted)
    restricted.policy(ALLOW)
    action = started(restricted).propose("change")
    use(restricted, teams.revoke)
    with pytest.raises(ToolUnavailable, match="a right that was taken away"):
        observe(action_id=action.id, kind=AttemptKind.BEFORE, by=SETUP)
    judged = gate().clear(action.id)
    assert (judged.status, restricted.world.touched) == ("denied", [])
    assert judged.explanation == "Whoever started this run may not use the connection spy."


@pytest.mark.parametrize("way", ["the right is taken", "the starter leaves", "it is restricted"])
def test_invariant_13_the_right_is_looked_at_again_when_the_clearance_is_used(restricted, way):
    use(restricted)
    if way == "it is restricted":
        update_connection(connection=restricted.connection, is_restricted=False, by=SETUP)
    action = cleared(started(restricted))
    if way == "the right is taken":
        use(restricted, teams.revoke)
    elif way == "the starter leaves":
        people.remove_member(workspace=restricted.cast.workspace, user=restricted.cast.reviewer, by=SETUP)
    else:
        use(restricted, teams.revoke)
        update_connection(connection=restricted.connection, is_restricted=True, by=SETUP)
    with pytest.raises(NotCleared):
        restricted.execute(Action.objects.get(pk=action.pk))
    assert (gate().clear(action.id).status, restricted.world.done) == ("denied", [])
    assert "action.executing" not in events(action)


def cleared(house):
    """Return an action that finance has approved."""
    request = house.asked()
    house.answer(request, by=house.cast.finance)
    return Action.objects.get(requests=request)


def test_what_was_done_is_undone_without_the_right(restricted):
    use(restricted)
    teams.grant(team=restricted.cast.reviewers, codename="control_agent", target=restricted.agent, by=SETUP)
    restricted.policy(ALLOW)
    action = started(restricted).clear(restricted.propose("change"))
    assert restricted.execute(action).status == "succeeded"
    use(restricted, teams.revoke)
    undo = restricted.propose("change", compensates=action, arguments={"name": "ada", "value": "old"})
    assert restricted.execute(restricted.clear(undo)).status == "succeeded"
    assert restricted.world.record["value"] == "old"


def test_rights_on_connections_stay_in_the_workspace(house):
    theirs = create_connection(
        workspace=house.cast.elsewhere, name="theirs", kind="spy", config={}, secret={}, by=SETUP
    )
    with pytest.raises(NotFound):
        teams.grant(team=house.cast.reviewers, codename="use_connection", target=theirs, by=SETUP)
    use(house)
    right = ConnectionGrant.objects.get()
    with pytest.raises(IntegrityError, match="same workspace"), transaction.atomic():
        ConnectionGrant.objects.create(group=right.group, permission=right.permission, content_object=theirs)
    assert not Connection.objects.open_to(house.cast.reviewer).filter(pk=theirs.pk).exists()


def test_invariant_11_nothing_restricted_is_used_by_a_run_that_nobody_knows(restricted):
    use(restricted)
    action = started(restricted).propose()
    assert may_use_connection(action)
    action.id = action.pk = uuid7()
    assert not may_use_connection(action)
