"""Where an action leads: decisions and recorded undos hold for the system that they were about; looking is a right."""

import pytest
from django.db import DatabaseError

from approvals import ports
from approvals.models import Request, Verdict
from tests.factories import SETUP
from tests.house import ALLOW, DENY, REVIEW, make_tool
from tests.integration.approvals.test_clearing import fresh, undo_of
from tools.errors import NotCleared, ToolUnavailable
from tools.models import Action
from tools.operations import look_before, update_connection
from tools.ports import gate
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db
NO_LOOKING = {**DENY, "name": "do-not-look", "on": "look", "reason": "Not before somebody has said yes."}


def test_invariant_03_decisions_do_not_follow_a_connection_to_another_address(house):
    action = house.approved()
    update_connection(connection=house.connection, config={"host": "elsewhere.example"}, by=SETUP)
    with pytest.raises(NotCleared):
        house.execute(action)
    assert gate().clear(action.id).status == "in_review"
    assert Request.objects.filter(action=action, status="superseded").count() == 1
    assert house.world.done == []


def test_invariant_03_decisions_survive_a_renewed_credential(house):
    action = house.approved()
    update_connection(connection=house.connection, secret={"word": "renewed"}, by=SETUP)
    assert gate().clear(action.id).status == "approved"


@pytest.mark.parametrize("moved", ["address", "options"])
def test_invariant_18_an_undo_that_leads_elsewhere_now_is_for_people(house, moved):
    undo = undo_of(house)
    if moved == "address":
        update_connection(connection=house.connection, config={"host": "production.example"}, by=SETUP)
    else:
        make_tool(house.cast, house.connection, "change", options={"table": "another"})
    undo = house.clear(Action.objects.select_related("tool").get(pk=undo.pk))
    assert undo.status == "in_review", undo.explanation
    facts = Verdict.objects.get(action=undo).inputs
    assert (facts["action"]["compensates"], facts["provenance"]["planned"]) == (False, False)


def test_invariant_18_an_undo_that_leads_where_it_did_passes(house):
    assert house.clear(undo_of(house)).status == "approved"


def test_invariant_01_a_policy_forbids_looking_before_people_have_approved(house):
    house.policy(REVIEW, NO_LOOKING)
    action = house.propose("change")
    with pytest.raises(ToolUnavailable, match="forbids looking"):
        look_before(action_id=action.id, by=SETUP)
    assert (house.world.touched, action.attempts.count()) == ([], 0)
    house.answer(house.request(gate().clear(action.id)))
    assert fresh(action).status == "approved"
    look_before(action_id=action.id, by=SETUP)
    assert house.world.touched == ["before"]
    with pytest.raises(NotCleared):
        house.execute(fresh(action))
    assert gate().clear(action.id).status == "in_review"
    request = house.request(action)
    assert request.evidence["before"] == {"name": "ada", "value": "old"}
    house.answer(request, by=house.cast.finance)
    assert house.execute(fresh(action)).status == "succeeded"


@pytest.mark.parametrize("when", ["action.arguments.absent == 'x'", "action.tool == 'change'"])
def test_invariant_11_a_rule_on_looking_that_is_true_or_fails_forbids_it(house, when):
    house.policy(ALLOW, {**NO_LOOKING, "when": when})
    assert not gate().may_observe(house.propose("change"))


def test_a_rule_on_looking_is_silent_about_other_tools_and_about_the_action_itself(house):
    house.policy(ALLOW, {**NO_LOOKING, "when": "action.tool == 'send'"})
    assert gate().may_observe(house.propose("change"))
    assert house.clear(house.propose("send")).status == "approved"


def test_a_rule_on_looking_can_only_forbid(house):
    with pytest.raises(InvalidInput) as caught:
        house.policy({**ALLOW, "on": "look"})
    assert "can only forbid" in str(caught.value.fields)


class Failing:
    """A source of surroundings behind a database that is gone."""

    def for_action(self, action_id):
        raise DatabaseError("gone")


def test_invariant_11_what_the_gate_cannot_learn_forbids_looking(house, monkeypatch):
    house.policy(ALLOW, {**NO_LOOKING, "when": "false"})
    action = house.propose("change")
    assert gate().may_observe(action)
    monkeypatch.setattr(ports, "_source", ports.NoContext())
    assert not gate().may_observe(action)


def test_invariant_11_a_database_that_fails_neither_allows_nor_forbids_looking(house, monkeypatch):
    house.policy(ALLOW, NO_LOOKING)
    monkeypatch.setattr(ports, "_source", Failing())
    with pytest.raises(DatabaseError):
        gate().may_observe(house.propose("change"))
