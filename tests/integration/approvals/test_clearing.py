"""The gate's verdict and what follows: allowed, asked, denied; and gated again."""

from datetime import timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.db import DatabaseError
from django.utils import timezone

from approvals.gate import minor_units
from approvals.models import PolicyVersion, Request, ReviewQueue, Verdict
from approvals.operations import PolicyGate, save_queue
from approvals.ports import NoContext, context_source, register_context_source
from tests.factories import SETUP
from tests.house import ALLOW, DENY, REVIEW, make_tool
from tools.models import Action, Connection, Tool
from tools.operations import look_before, set_tool_enabled, update_connection
from tools.ports import gate
from workspaces.operations import people

pytestmark = pytest.mark.django_db


class Failing:
    def __init__(self, error):
        self.error = error

    def for_action(self, action_id):
        raise self.error


@pytest.fixture
def context():
    before = context_source()
    yield register_context_source
    register_context_source(before)


def fresh(action):
    return Action.objects.get(pk=action.pk)


def denied(house, action, words):
    action = house.clear(action) if house.world.looking_fails is None else gate().clear(action.id)
    assert action.status == "denied"
    assert words in action.explanation
    assert Verdict.objects.filter(action=action).latest("at").outcome == "deny"


def test_a_read_is_allowed_and_the_verdict_says_why(house):
    action = house.clear(house.propose("look"))
    verdict = Verdict.objects.get(action=action)
    assert (action.status, action.cleared_by, verdict.outcome) == ("approved", verdict.id, "allow")
    assert verdict.reasons == ["It only reads, and sends nothing out."]
    assert verdict.inputs["action"]["tool"] == "look"
    assert action.cleared_until > timezone.now()


def test_clearing_what_is_not_proposed_or_approved_does_nothing(house):
    request = house.asked()
    assert gate().clear(request.action_id).status == "in_review"
    assert Verdict.objects.count() == Request.objects.count() == 1


def test_invariant_11_without_a_context_everything_is_denied(house, context):
    context(NoContext())
    denied(house, house.propose("look"), "Nothing is known about the run")


def test_invariant_11_a_failure_of_the_gate_is_a_deny(house, context):
    context(Failing(ZeroDivisionError()))
    denied(house, house.propose("look"), "The gate failed (ZeroDivisionError).")


def test_invariant_11_a_database_that_fails_decides_nothing(house, context):
    context(Failing(DatabaseError("gone")))
    action = house.propose("look")
    with pytest.raises(DatabaseError):
        gate().clear(action.id)
    assert fresh(action).status == "proposed"
    assert not Verdict.objects.exists()


def test_invariant_11_without_a_policy_everything_is_denied(house):
    PolicyVersion.objects.update(status="retired")
    denied(house, house.propose("look"), "No rule of the policy allows")


def test_invariant_11_a_rule_that_cannot_be_evaluated_denies(house):
    house.policy(ALLOW, {**ALLOW, "name": "odd", "when": "action.arguments.absent == 'x'"})
    denied(house, house.propose("look"), "could not be evaluated")


def test_invariant_11_a_policy_that_cannot_be_read_denies(house):
    with pgtrigger.ignore("approvals.PolicyVersion:policyversion_rules_stay"):
        PolicyVersion.objects.filter(status="active").update(rules=[{"nonsense": True}])
    denied(house, house.propose("look"), "The policy in force cannot be read")


def test_invariant_11_a_deny_outdoes_review_and_allow(house):
    house.policy(ALLOW, REVIEW, DENY)
    denied(house, house.propose("look"), "Nothing goes.")


def test_invariant_11_a_review_outdoes_an_allow(house):
    house.policy(ALLOW, REVIEW)
    assert house.clear(house.propose("look")).status == "in_review"


def test_a_disabled_tool_is_denied_in_words(house):
    action = house.propose()
    set_tool_enabled(tool=house.tools["send"], enabled=False, by=SETUP)
    denied(house, action, "The tool send is disabled.")


def test_an_unknown_operation_a_lost_kind_and_no_connection_are_denied_in_words(house):
    actions = [house.propose() for _ in range(3)]
    Tool.objects.filter(pk=house.tools["send"].pk).update(operation="spy.dance")
    denied(house, actions[0], "have no operation spy.dance")
    Connection.objects.filter(pk=house.connection.pk).update(kind="forgotten")
    denied(house, actions[1], "There is no connector 'forgotten'")
    Tool.objects.filter(pk=house.tools["send"].pk).update(connection=None)
    denied(house, actions[2], "has no connection")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"name": "ada"}, "value"), ({"name": "ada", "value": 3}, "value"), ({"name": "a", "value": "b", "x": 1}, "x")],
)
def test_invariant_11_arguments_that_break_the_schema_are_denied_in_words(house, arguments, words):
    denied(house, house.propose(arguments=arguments), words)


def undo_of(house, **changes):
    original = house.execute(house.approved("change"))
    plan = {**original.undo_plan["arguments"], **changes}
    return house.propose(
        "change", arguments=plan, compensates=original, planned=True, untrusted_influence=False, provenance=[]
    )


def test_a_recorded_undo_need_not_fit_what_an_agent_may_propose(house):
    house.world.record["value"] = "much longer than the twenty characters of the schema"
    undo = house.clear(undo_of(house))
    assert undo.status == "approved", undo.explanation
    house.execute(undo)
    assert house.world.record["value"].startswith("much longer")


def test_an_undo_that_was_not_recorded_must_fit(house):
    denied(house, undo_of(house, value="something else than what was recorded"), "value")


def test_a_recorded_undo_of_a_changed_tool_is_still_what_was_promised(house):
    undo = undo_of(house)
    Tool.objects.filter(pk=undo.tool_id).update(schema_digest="0" * 64)
    assert house.clear(undo).status == "approved"


def test_a_queue_that_is_not_there_is_answered_for_by_the_default_one(house):
    house.policy({**REVIEW, "queue": "nowhere"}, {**REVIEW, "name": "two", "queue": "gone", "quorum": 2})
    request = house.asked()
    assert (request.queue, request.quorum) == (house.queue, 2)
    for who in (house.cast.reviewer, house.cast.finance):
        house.answer(request, by=who)
    action = fresh(request.action)
    assert action.status == "approved"
    assert house.execute(action).status == "succeeded"


def test_without_any_queue_nobody_can_be_asked_and_it_is_denied(house):
    ReviewQueue.objects.update(is_default=False)
    house.policy({**REVIEW, "queue": "nowhere"})
    denied(house, house.propose(), "Nobody can be asked")


def test_every_queue_that_is_asked_has_to_agree(house):
    house.second_queue()
    house.policy(REVIEW, {**REVIEW, "name": "two", "queue": "money"})
    action = house.clear(house.propose())
    first, second = (house.request(action, queue__name=name) for name in ("default", "money"))
    house.answer(first)
    assert fresh(action).status == "in_review"
    house.answer(second, by=house.cast.finance)
    assert fresh(action).status == "approved"
    assert house.execute(action).status == "succeeded"


def test_invariant_03_a_queue_of_two_needs_two_who_hold_the_right(house):
    save_queue(workspace=house.cast.workspace, name="default", title="R", quorum=2, is_default=True, by=SETUP)
    request = house.asked()
    house.answer(request)
    house.answer(request, by=house.cast.finance)
    assert gate().still_holds(fresh(request.action))
    people.disable_user(user=house.cast.finance, by=SETUP)
    assert not gate().still_holds(fresh(request.action))
    assert gate().clear(request.action_id).status == "in_review"


def test_invariant_03_decisions_are_kept_while_they_satisfy_the_new_verdict(house):
    action = house.approved()
    house.policy(REVIEW)
    assert gate().clear(action.id).status == "approved"
    house.policy({**REVIEW, "quorum": 2})
    assert gate().clear(action.id).status == "in_review"
    assert house.request(action).quorum == 2


def test_invariant_03_a_reviewed_read_keeps_its_decision_too(house):
    house.policy(REVIEW)
    action = house.approved("look")
    update_connection(connection=house.connection, secret={"word": "new"}, by=SETUP)
    assert gate().clear(action.id).status == "approved"


def test_invariant_03_a_moved_world_goes_back_to_people_with_the_difference(house):
    action = house.approved("change")
    old = Request.objects.get(action=action)
    house.world.record["value"] = "moved"
    look_before(action_id=action.id, by=SETUP)
    assert gate().clear(action.id).status == "in_review"
    request = house.request(action)
    assert request.evidence["drift"] == {
        "before": {"name": "ada", "value": "old"},
        "now": {"name": "ada", "value": "moved"},
    }
    old.refresh_from_db()
    assert (old.status, fresh(action).cleared_binding) == ("superseded", "")
    house.answer(request)
    assert house.execute(action).status == "succeeded"


def test_invariant_03_what_people_saw_before_the_world_moved_never_counts_again(house):
    """Approved in one world, allowed by a laxer policy in the next: a stricter one asks anew."""
    action = house.approved("change")
    house.world.record["value"] = "moved"
    look_before(action_id=action.id, by=SETUP)
    house.policy(ALLOW)
    assert gate().clear(action.id).status == "approved"
    house.policy(REVIEW)
    assert gate().clear(action.id).status == "in_review"
    assert house.request(action).evidence["drift"]["now"]["value"] == "moved"


def test_invariant_03_settling_a_doubt_is_no_approval_of_the_action(house):
    house.policy(ALLOW)
    action = house.clear(house.propose())
    request = Request.objects.create(
        workspace=house.cast.workspace,
        kind="settle",
        queue=house.queue,
        action=action,
        verdict=Verdict.objects.get(),
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="t",
        evidence={},
        expires_at=timezone.now() + timedelta(1),
    )
    Request.objects.filter(pk=request.pk).update(status="approved", closed_at=timezone.now())
    house.policy(REVIEW)
    assert gate().clear(action.id).status == "in_review"


def test_a_connection_is_looked_through_only_with_an_enabled_tool(house):
    action = house.propose()
    assert PolicyGate().may_observe(action)
    action.tool.is_enabled = False
    assert not PolicyGate().may_observe(action)


def test_history_counts_the_day_and_the_run_and_nothing_older(house):
    for _ in range(3):
        house.propose("look", run_id=house.agent.id)
    Action.objects.update(created_at=timezone.now() - timedelta(days=2))
    action = house.clear(house.propose("look"))
    assert Verdict.objects.get(action=action).inputs["history"] == {
        "tool_hour": 0,
        "tool_day": 0,
        "run_same_call": 0,
        "in_doubt": 0,
    }


def test_the_fourth_same_call_is_denied(house):
    for _ in range(3):
        house.propose("look")
    denied(house, house.propose("look"), "going in circles")


def test_money_is_rounded_up_to_minor_units_and_unknown_stays_unknown():
    assert [minor_units(amount) for amount in (None, Decimal("0.001"), Decimal("1.23"), Decimal(0))] == [-1, 1, 123, 0]


def test_a_tool_of_a_stricter_effect_is_judged_as_such(house):
    make_tool(house.cast, house.connection, "change", effect="irreversible")
    request = house.asked("change")
    assert "cannot be undone" in " ".join(request.reasons)
