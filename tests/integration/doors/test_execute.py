"""The first door: what executes is what was decided on, at most once, and whatever ends it is on record."""

from datetime import UTC, datetime
from unittest import TestCase

import pgtrigger
import pytest
from django.db import ProgrammingError, transaction
from django.db import connection as database
from django.utils import timezone

from approvals.models import Request, Verdict
from tests.factories import SETUP
from tests.house import ALLOW, DENY, REVIEW, events, make_tool
from tools.bindings import destination_digest
from tools.connectors.base import Drifted, NotSent, Refused, Unknown
from tools.errors import NotCleared, Paused, ToolUnavailable
from tools.models import Action, ActionAttempt, Connection, Tool
from tools.operations import executing, look_before, lose, set_tool_enabled, settle, update_connection
from tools.ports import gate
from workspaces.database import ClockTimestamp
from workspaces.errors import StaleState
from workspaces.models import Pause
from workspaces.operations import people, teams

pytestmark = pytest.mark.django_db


def fresh(action):
    return Action.objects.get(pk=action.pk)


def refused(house, action, error=NotCleared):
    """Execute in vain: nothing was sent, nothing moved."""
    with pytest.raises(error) as caught:
        house.execute(action)
    assert house.world.done == []
    assert fresh(action).status == "approved"
    assert not ActionAttempt.objects.filter(action=action, kind="execute").exists()
    return caught.value


def test_an_approved_action_is_carried_out_once_and_recorded(house):
    action = house.execute(house.approved("change"))
    assert (action.status, house.world.record["value"]) == ("succeeded", "new")
    assert action.after_image == {"name": "ada", "value": "new"}
    assert action.undo_plan == {
        "tool": "change",
        "arguments": {"name": "ada", "value": "old"},
        "destination": destination_digest(action.tool, action.tool.connection),
    }
    assert house.world.done == [action.idempotency_key]
    assert events(action)[-2:] == ["action.executing", "action.succeeded"]
    with pytest.raises(StaleState, match="only an approved one"):
        house.execute(action)
    assert len(house.world.done) == 1


def test_invariant_02_a_changed_connection_is_gated_again_and_decisions_are_kept(house):
    action = house.approved()
    update_connection(connection=house.connection, secret={"word": "other"}, by=SETUP)
    refused(house, action)
    assert gate().clear(action.id).status == "approved"
    assert house.execute(action).status == "succeeded"
    assert Request.objects.filter(action=action).count() == 1


def test_invariant_02_a_changed_tool_goes_back_to_people(house):
    action = house.approved()
    make_tool(house.cast, house.connection, "send", options={"table": "another"})
    refused(house, action)
    assert gate().clear(action.id).status == "in_review"
    assert list(Request.objects.filter(action=action).order_by("opened_at").values_list("status", flat=True)) == [
        "superseded",
        "open",
    ]


def test_invariant_02_a_changed_schema_denies(house):
    action = house.approved()
    Tool.objects.filter(pk=action.tool_id).update(schema_digest="0" * 64)
    refused(house, action)
    denied = gate().clear(action.id)
    assert (denied.status, "schema has changed" in denied.explanation) == ("denied", True)
    assert denied.cleared_binding == ""


def test_invariant_02_another_agent_version_is_another_binding(house):
    action = house.approved()
    with pgtrigger.ignore("tools.Action:action_says_what_it_said"):
        Action.objects.filter(pk=action.pk).update(agent_version_id=house.agent.id)
    refused(house, action)


@pytest.mark.parametrize(
    "change", [{"arguments": {"name": "ada", "value": "evil"}}, {"before_image": {"name": "ada", "value": "evil"}}]
)
def test_invariant_02_what_is_executed_is_digested_itself_and_not_by_the_digest_beside_it(house, change):
    action = house.approved("change")
    with pgtrigger.ignore("tools.Action:action_says_what_it_said"):
        Action.objects.filter(pk=action.pk).update(**change)
    refused(house, action)


@pytest.mark.parametrize("change", [{"arguments": {}}, {"causes": []}, {"scopes": []}, {"effect": "read"}])
def test_invariant_02_the_database_refuses_to_change_what_an_action_says(house, change):
    action = house.approved("change")
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Action.objects.filter(pk=action.pk).update(**change)


def test_invariant_02_a_policy_activated_in_the_last_moment_stops_the_claim(house, monkeypatch):
    action = house.approved("change")
    with monkeypatch.context() as patch:
        patch.setattr(type(gate()), "still_holds", lambda _gate, _action: house.policy(DENY) or True)
        refused(house, action, StaleState)


def test_invariant_02_the_clearance_runs_out_by_the_databases_clock(house, monkeypatch):
    action = house.approved("change")
    monkeypatch.setattr(timezone, "now", lambda: datetime(2999, 1, 1, tzinfo=UTC))
    assert house.execute(action).status == "succeeded"


def test_invariant_10_a_pause_put_in_force_while_the_name_is_resolved_stops_the_effect(house, monkeypatch):
    action = house.approved("change")

    def slowly(target):
        pause(house, house.connection.id)
        return target

    monkeypatch.setattr(executing, "pinned", slowly)
    assert house.execute(action).status == "approved"
    assert house.world.done == []


def test_invariant_02_a_changed_policy_is_gated_again(house):
    action = house.approved()
    house.policy(DENY)
    refused(house, action)
    assert gate().clear(action.id).status == "denied"


def test_invariant_02_a_moved_world_does_not_execute(house):
    action = house.approved("change")
    house.world.record["value"] = "somebody else's"
    assert look_before(action_id=action.id, by=SETUP).moved
    refused(house, action)


def test_invariant_02_a_clearance_runs_out(house):
    action = house.approved()
    Action.objects.filter(pk=action.pk).update(cleared_until=ClockTimestamp())
    assert "run out" in refused(house, action).message


def test_invariant_02_the_claim_itself_compares_what_changes_in_its_last_moment(house, monkeypatch):
    """Between the comparison and the UPDATE somebody changes tool, connection, clearance or image."""
    changes = [
        lambda: Tool.objects.get(pk=house.tools["change"].pk).save(),
        lambda: Tool.objects.filter(pk=house.tools["change"].pk).update(is_enabled=False),
        lambda: Connection.objects.filter(pk=house.connection.pk).update(version=77),
        lambda: Connection.objects.filter(pk=house.connection.pk).update(is_enabled=False),
        lambda: Action.objects.update(before_digest="0" * 64),
        lambda: Action.objects.update(attempt=7),
        lambda: Action.objects.update(cleared_until=ClockTimestamp()),
        lambda: Action.objects.update(execute_after="2999-01-01T00:00:00Z"),
    ]
    action = house.approved("change")
    for change in changes:
        with monkeypatch.context() as patch:
            patch.setattr(type(gate()), "still_holds", lambda _gate, _action, change=change: change() or True)
            refused(house, action, StaleState)
        assert events(action)[-1] != "action.executing"


def test_invariant_03_a_reviewer_who_lost_the_right_is_asked_anew(house):
    action = house.approved()
    teams.remove_from_team(team=house.cast.reviewers, user=house.cast.reviewer, by=SETUP)
    assert "no longer has the right" in refused(house, action).message
    assert gate().clear(action.id).status == "in_review"


def test_invariant_03_a_disabled_reviewer_is_asked_anew(house):
    action = house.approved()
    people.disable_user(user=house.cast.reviewer, by=SETUP)
    refused(house, action)
    assert gate().clear(action.id).status == "in_review"


def test_a_clearance_of_no_verdict_is_none(house):
    action = house.approved()
    action.cleared_by = None
    assert not gate().still_holds(action)
    action.cleared_by = Verdict.objects.get(action=action).id
    assert gate().still_holds(action)


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (NotSent("The door is shut.", {"stage": "connect"}), "approved", "not_sent"),
        (Refused("No."), "failed", "refused"),
        (Drifted("Moved.", {"name": "bob"}), "approved", "drifted"),
        (Unknown("It went quiet."), "in_doubt", "unknown"),
        (ValueError("a bug"), "in_doubt", "unknown"),
        (ToolUnavailable("a bug too"), "in_doubt", "unknown"),
        (KeyboardInterrupt(), "executing", "started"),
    ],
)
def test_invariant_04_every_end_is_recorded(house, error, status, outcome):
    action = house.approved()
    house.world.fails = error
    try:
        house.execute(action)
    except KeyboardInterrupt:
        assert isinstance(error, KeyboardInterrupt)
    attempt = ActionAttempt.objects.get(action=action, kind="execute")
    assert (fresh(action).status, attempt.outcome) == (status, outcome)
    assert attempt.evidence == getattr(error, "evidence", {})
    if status == "approved":
        house.world.fails = None
        again = house.execute(action)
        assert (again.status, again.attempt, house.world.done) == ("succeeded", 2, [action.idempotency_key])


def test_invariant_04_an_outcome_is_recorded_though_no_undo_can_be_planned(house, monkeypatch):
    action = house.approved("change")
    monkeypatch.setattr("tests.house.SpyOperation.undo", lambda *_: 1 / 0)
    done = house.execute(action)
    assert (done.status, done.undo_plan) == ("succeeded", None)


def test_invariant_04_an_address_that_may_not_be_reached_is_proven_not_sent(house):
    config = {"host": "127.0.0.1", "port": 9}
    Connection.objects.filter(pk=house.connection.pk).update(config=config)
    action = house.execute(house.approved())
    assert (action.status, action.attempts.get().outcome) == ("approved", "not_sent")
    assert house.world.touched == []


def lost(house, action):
    """Let the worker die in the middle: the intent is committed, no outcome ever is."""
    house.world.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        house.execute(action)
    house.world.fails = None
    return fresh(action)


def test_invariant_04_a_dead_worker_leaves_doubt_and_no_second_try(house):
    action = lost(house, house.approved())
    assert action.status == "executing"
    with pytest.raises(StaleState):
        lose(action_id=action.id, attempt=action.attempt + 1, by=SETUP)
    lose(action_id=action.id, attempt=action.attempt, by=SETUP)
    assert (fresh(action).status, action.attempts.get().outcome) == ("in_doubt", "unknown")
    with pytest.raises(StaleState):
        house.execute(action)
    assert house.world.done == []


def test_connector_that_fails_unforeseen_is_logged(house):
    with TestCase().assertLogs("tools.operations.executing", "ERROR") as logged:
        action = house.in_doubt()
    assert str(action.id) in logged.output[0]
    assert "TimeoutError: gone" in logged.output[0]


def late(house, meanwhile, fails=None, tool="send"):
    """Execute; when the outside has it, ``meanwhile`` happens to the action before the answer arrives."""
    action = house.approved(tool)

    def happen():
        house.world.meanwhile = lambda: None
        lose(action_id=action.id, attempt=1, by=SETUP)
        meanwhile(action)

    house.world.meanwhile, house.world.fails = happen, fails
    return house.execute(action)


def test_invariant_06_a_late_success_settles_the_doubt(house):
    action = late(house, lambda _: None, tool="change")
    assert (action.status, action.after_image["value"]) == ("succeeded", "new")
    assert events(action)[-1] == "action.succeeded"


def test_invariant_06_a_late_refusal_of_the_same_attempt_settles_the_doubt(house):
    assert late(house, lambda _: None, fails=Refused("No.")).status == "failed"


def test_invariant_06_a_late_refusal_says_nothing_of_a_later_attempt(house):
    action = late(house, lambda action: Action.objects.filter(pk=action.pk).update(attempt=2), fails=Refused("No."))
    assert action.status == "in_doubt"


def test_invariant_06_a_late_unknown_settles_nothing(house):
    assert late(house, lambda _: None, fails=Unknown("?")).status == "in_doubt"


def give_up(action):
    settle(action_id=action.id, happened=False, retry=False, sentence="Gone.", by=SETUP)


def test_invariant_06_a_late_result_overrides_nothing(house):
    action = late(house, give_up)
    assert (action.status, action.attempts.get().outcome) == ("failed", "done")
    assert "Attempt 1 reported afterwards that it had been carried out" in action.explanation
    assert events(action)[-1] == "action.reported_late"


def test_invariant_05_a_late_success_keeps_a_settled_retry_from_being_a_second_effect(house):
    def try_again(action):
        settle(action_id=action.id, happened=False, retry=True, sentence="Again.", by=SETUP)

    action = late(house, try_again)
    assert (action.status, len(house.world.done)) == ("approved", 1)
    done = house.execute(action)
    assert (done.status, done.result, len(house.world.done)) == ("succeeded", {"said": "done"}, 1)
    assert "Attempt 1 had been carried out" in done.explanation


def pause(house, scope):
    owner = house.cast.owner
    return Pause.objects.create(
        workspace=house.cast.workspace, scope_kind="run", scope_id=scope, reason="Stop.", created_by=owner
    )


def scopes(house, action):
    return [house.cast.workspace.id, house.agent.id, house.run.id, action.tool_id, house.connection.id]


@pytest.mark.parametrize("which", range(5), ids=["workspace", "agent", "run", "tool", "connection"])
def test_invariant_10_a_pause_at_each_scope_stops_proposals_and_claims(house, which):
    proposed, approved = house.propose(), house.approved()
    stop = pause(house, scopes(house, approved)[which])
    with pytest.raises(Paused):
        gate().clear(proposed.id)
    refused(house, approved, Paused)
    assert (fresh(proposed).status, Verdict.objects.filter(action=proposed).count()) == ("proposed", 0)
    Pause.objects.filter(pk=stop.pk).update(released_at=ClockTimestamp(), released_by=house.cast.owner)
    assert house.execute(approved).status == "succeeded"


def test_invariant_10_a_pause_after_the_claim_is_seen_last_before_the_effect(house, monkeypatch):
    from tools.operations import executing

    claim = executing._claim
    monkeypatch.setattr(executing, "_claim", lambda *given: claim(*given) or pause(house, house.run.id))
    action = house.execute(house.approved())
    assert (action.status, action.attempts.get().outcome, house.world.touched) == ("approved", "not_sent", [])


def test_invariant_10_repair_goes_on_where_the_pause_says_so(house):
    original = house.execute(house.approved("change"))
    plan = original.undo_plan["arguments"]
    undo = house.clear(house.propose("change", arguments=plan, compensates=original, planned=True))
    stop = pause(house, house.cast.workspace.id)
    action = undo if undo.status == "approved" else house.answer(house.request(undo)) and fresh(undo)
    refused_before = list(house.world.done)
    with pytest.raises(Paused):
        house.execute(action)
    assert house.world.done == refused_before
    Pause.objects.filter(pk=stop.pk).update(allows_repair=True)
    assert house.execute(action).status == "succeeded"
    assert house.world.record["value"] == "old"


def test_a_disabled_tool_and_a_lost_credential_are_not_executed(house):
    action = house.approved()
    set_tool_enabled(tool=house.tools["send"], enabled=False, by=SETUP)
    refused(house, action, ToolUnavailable)
    set_tool_enabled(tool=house.tools["send"], enabled=True, by=SETUP)
    Connection.objects.filter(pk=house.connection.pk).update(secret=b"k9:nonsense")
    refused(house, action, ToolUnavailable)


def test_an_allowed_action_needs_nobody(house):
    house.policy(ALLOW)
    action = house.clear(house.propose())
    assert house.execute(action).status == "succeeded"
    house.policy(REVIEW)
    other = house.clear(house.propose())
    assert other.status == "in_review"


def test_execution_costs_few_statements(house, django_assert_max_num_queries):
    house.policy(ALLOW)
    action = house.clear(house.propose("look"))
    with django_assert_max_num_queries(17):
        house.execute(action)
    assert database.queries is not None
