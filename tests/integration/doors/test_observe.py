"""The second door, images and settling: looking changes nothing, and doubt ends by proof or by people."""

import pytest

from agents.operations import preview_rollback
from approvals.operations import ask_to_settle
from audit.ledger.models import Event
from tests.factories import SETUP
from tests.house import events
from tools.connectors.base import NotSent, Probe
from tools.errors import ToolUnavailable
from tools.models import Action, ActionAttempt, Connection, Tool
from tools.operations import look_before, observe, prove, read_back, set_tool_enabled, settle
from tools.operations.settling import MACHINE_TRIES
from tools.ports import ClosedGate, gate, register_gate
from tools.states import AttemptKind
from workspaces.errors import StaleState

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_gate():
    before = gate()
    register_gate(ClosedGate())
    yield
    register_gate(before)


def fresh(action):
    return Action.objects.get(pk=action.pk)


def test_invariant_01_every_look_is_recorded_as_an_attempt(house):
    action = house.propose("change")
    look_before(action_id=action.id, by=SETUP)
    attempt = ActionAttempt.objects.get(action=action)
    assert (attempt.kind, attempt.outcome, attempt.evidence) == ("before", "done", {"image": house.world.record})
    assert events(action) == ["action.proposed", "action.observed", "action.before_image_stored"]


def test_a_look_at_an_unmoved_world_stores_nothing_again(house):
    action = house.propose("change")
    assert not look_before(action_id=action.id, by=SETUP).moved
    stored = Event.objects.filter(verb="action.before_image_stored")
    assert (look_before(action_id=action.id, by=SETUP).moved, stored.count()) == (False, 1)


def test_a_look_during_execution_leaves_the_image_that_was_decided_on(house):
    action = house.in_doubt("change")
    house.world.record["value"] = "moved"
    assert look_before(action_id=action.id, by=SETUP).moved
    assert fresh(action).before_image["value"] == "old"


@pytest.mark.parametrize("error", [NotSent("Down."), RuntimeError("a bug")])
def test_a_system_that_does_not_answer_is_told_as_such(house, error):
    house.world.looking_fails = error
    action = house.propose("change")
    look = look_before(action_id=action.id, by=SETUP)
    assert look.problem in {"Down.", "The connector failed (RuntimeError)."}
    assert ActionAttempt.objects.get(action=action).outcome == "not_sent"
    assert fresh(action).before_digest == ""


def test_observing_is_no_executing(house):
    with pytest.raises(ValueError, match="no observation"):
        observe(action_id=house.propose().id, kind=AttemptKind.EXECUTE, by=SETUP)
    assert house.world.touched == []


def test_invariant_11_without_a_gate_nothing_is_looked_at_or_allowed(house, no_gate):
    action = house.propose("change")
    with pytest.raises(ToolUnavailable, match="forbids"):
        observe(action_id=action.id, kind=AttemptKind.BEFORE, by=SETUP)
    denied = gate().clear(action.id)
    assert (denied.status, denied.explanation) == (
        "denied",
        "No gate is in force in this process, so everything is denied.",
    )
    assert house.world.touched == []


def test_invariant_11_without_a_gate_an_earlier_clearance_is_worth_nothing(house, request):
    action = house.approved()
    request.getfixturevalue("no_gate")
    with pytest.raises(StaleState):
        house.execute(action)
    assert not gate().still_holds(action)
    assert gate().clear(action.id).status == "denied"
    assert gate().clear(action.id).status == "denied"


def test_a_disabled_tool_is_not_looked_at(house):
    action = house.propose("change")
    set_tool_enabled(tool=house.tools["change"], enabled=False, by=SETUP)
    with pytest.raises(ToolUnavailable):
        look_before(action_id=action.id, by=SETUP)


def test_a_disabled_connection_is_not_looked_through(house):
    action = house.propose("change")
    Connection.objects.filter(pk=house.connection.pk).update(is_enabled=False)
    with pytest.raises(ToolUnavailable, match="is disabled"):
        observe(action_id=action.id, kind=AttemptKind.BEFORE, by=SETUP)
    assert house.world.touched == []
    assert not ActionAttempt.objects.exists()


def test_preview_asks_for_the_state_as_it_is(house):
    action = house.execute(house.approved("change"))
    assert observe(action_id=action.id, kind=AttemptKind.PREVIEW, by=SETUP).image == {"name": "ada", "value": "new"}


@pytest.mark.parametrize(
    ("shows", "tool", "said"),
    [
        ("the record", "change", "Read back: the system shows the expected state."),
        ({"name": "ada", "value": "else"}, "change", "Read back: the system shows something else in value."),
        (None, "change", "Read back: what was changed is not there any more."),
        (None, "send", "This system offers nothing to read back."),
        ({"a": 1}, "send", "Read back: the system was reached; what it was to show is not known."),
    ],
)
def test_a_read_back_says_what_was_seen(house, shows, tool, said):
    action = house.execute(house.approved(tool))
    house.world.shows = shows
    assert read_back(action_id=action.id, by=SETUP) == said


def test_a_read_back_that_fails_is_told(house):
    action = house.execute(house.approved("change"))
    house.world.meanwhile = lambda: (_ for _ in ()).throw(NotSent("Down."))
    assert read_back(action_id=action.id, by=SETUP) == "The result could not be read back: Down."


@pytest.mark.parametrize(("happened", "status"), [(True, "succeeded"), (False, "approved"), (None, "in_doubt")])
def test_invariant_05_a_conditional_tool_is_settled_by_proof(house, happened, status):
    action = house.in_doubt("change")
    left = {"after": {"name": "ada", "value": "new"}} if happened else {}
    house.world.probed = Probe(happened, "Seen.", {"row": 1}, **left)
    assert prove(action_id=action.id, by=SETUP).happened is happened
    assert fresh(action).status == status
    assert ActionAttempt.objects.get(action=action, kind="probe").evidence == {"happened": happened, "row": 1, **left}
    if happened:
        assert fresh(action).undo_plan["arguments"]["value"] == "old"


def test_invariant_05_after_three_tries_a_machine_asks_a_person(house):
    """But what a probe finds to have happened is settled however often it was tried."""
    action = house.in_doubt("change")
    Action.objects.filter(pk=action.pk).update(attempt=MACHINE_TRIES)
    house.world.probed = Probe(False, "Not there.")
    assert prove(action_id=action.id, by=SETUP).happened is False
    assert fresh(action).status == "in_doubt"
    house.world.probed = Probe(True, "There it is.")
    prove(action_id=action.id, by=SETUP)
    assert fresh(action).status == "succeeded"


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("idempotency", ["none", "probe"])
def test_invariant_05_others_are_settled_by_people_only(house, happened, idempotency):
    action = house.in_doubt()
    Tool.objects.filter(pk=action.tool_id).update(idempotency=idempotency)
    house.world.probed = Probe(happened, "Seen.")
    assert prove(action_id=action.id, by=SETUP).happened is happened
    assert fresh(action).status == "in_doubt"


def test_a_probe_that_gets_no_answer_settles_nothing(house):
    action = house.in_doubt("change")
    house.world.looking_fails = NotSent("Down.")
    assert "Down." in prove(action_id=action.id, by=SETUP).sentence
    set_tool_enabled(tool=house.tools["change"], enabled=False, by=SETUP)
    assert "disabled" in prove(action_id=action.id, by=SETUP).sentence
    assert fresh(action).status == "in_doubt"


def test_invariant_06_a_probe_of_an_earlier_attempt_proves_nothing_of_a_later_one(house):
    action = house.in_doubt("change")
    house.world.probed = Probe(False, "Not there.")
    house.world.meanwhile = lambda: Action.objects.filter(pk=action.pk).update(attempt=2)
    assert prove(action_id=action.id, by=SETUP).happened is None
    assert fresh(action).status == "in_doubt"


@pytest.mark.parametrize("status", ["executing", "approved", "succeeded", "failed"])
@pytest.mark.parametrize("said", [{"happened": True, "retry": False}, {"happened": False, "retry": True}])
def test_invariant_05_only_a_doubt_is_settled(house, status, said):
    action = house.in_doubt()
    Action.objects.filter(pk=action.pk).update(status=status)
    with pytest.raises(StaleState, match="no such doubt"):
        settle(action_id=action.id, sentence="x", by=SETUP, **said)
    assert fresh(action).status == status


LEFT = {"name": "ada", "value": "new, as the system writes it"}


@pytest.mark.parametrize(
    ("seen", "undone"),
    [
        ([Probe(None, "Seen.", after=LEFT)], {"name": "ada", "value": "old"}),
        ([Probe(None, "Nobody can tell.")], None),
        ([Probe(True, "Seen.", after=LEFT), Probe(None, "By now it is something else.")], None),
        ([], None),
    ],
    ids=["as the probe saw it", "the probe saw nothing", "only the last probe counts", "never probed"],
)
def test_the_undo_of_what_a_person_says_happened_is_planned_from_the_probe_or_absent(house, seen, undone):
    action = house.in_doubt("change")
    for probe in seen:
        house.world.probed = probe
        observe(action_id=action.id, kind=AttemptKind.PROBE, by=SETUP)
    settle(action_id=action.id, happened=True, retry=False, sentence="I saw it.", by=SETUP)
    done = fresh(action)
    assert (done.status, done.after_image) == ("succeeded", LEFT if undone else None)
    assert (done.undo_plan or {}).get("arguments") == undone
    assert ("so it has no undo" in done.explanation) is (undone is None)
    (item,) = preview_rollback(run_id=house.run.id, by=house.cast.owner).plan or []
    if undone is None:
        assert (item["verdict"], "no undo is known" in item["sentence"]) == ("impossible", True)


def test_a_probe_of_an_earlier_attempt_says_nothing_of_what_a_later_one_left(house):
    action = house.in_doubt("change")
    house.world.probed = Probe(None, "Seen.", after=LEFT)
    observe(action_id=action.id, kind=AttemptKind.PROBE, by=SETUP)
    settle(action_id=action.id, happened=False, retry=True, sentence="Not there.", by=SETUP)
    house.world.fails = TimeoutError("gone")
    assert house.execute(fresh(action)).status == "in_doubt"
    settle(action_id=action.id, happened=True, retry=False, sentence="Now it is.", by=SETUP)
    assert fresh(action).undo_plan is None


@pytest.mark.parametrize(("left", "said"), [(LEFT, "can be undone exactly"), (None, "no undo is known")])
def test_people_are_told_before_they_settle_whether_there_will_be_an_undo(house, left, said):
    action = house.in_doubt("change")
    request = ask_to_settle(action_id=action.id, probe=Probe(None, "Seen.", after=left), by=SETUP)
    assert said in request.evidence["action"]["undo"]


def test_a_doubt_is_settled_though_the_tool_is_gone(house):
    action = house.in_doubt("change")
    set_tool_enabled(tool=house.tools["change"], enabled=False, by=SETUP)
    Connection.objects.filter(pk=house.connection.pk).update(kind="forgotten")
    settle(action_id=action.id, happened=True, retry=False, sentence="I saw it.", by=SETUP)
    assert (fresh(action).status, fresh(action).undo_plan) == ("succeeded", None)


def test_invariant_05_a_settled_retry_goes_under_the_same_key_and_clearance(house):
    action = house.in_doubt()
    settle(action_id=action.id, happened=False, retry=True, sentence="Not there.", by=SETUP)
    done = house.execute(action)
    assert (done.status, done.attempt, done.cleared_by) == ("succeeded", 2, action.cleared_by)
    assert house.world.done == [action.idempotency_key]


def test_an_address_that_may_not_be_reached_is_not_looked_at(house):
    Connection.objects.filter(pk=house.connection.pk).update(config={"host": "127.0.0.1", "port": 9})
    look = look_before(action_id=house.propose("change").id, by=SETUP)
    assert "not contacted" in look.problem
    assert house.world.touched == []


def test_invariant_11_without_a_gate_no_clearance_stands(house):
    action = house.approved()
    assert not Action.objects.filter(ClosedGate().standing(action), pk=action.pk).exists()
