"""A sandbox run never reaches a live system: not by the gate, not by either door, and not past the database."""

import pgtrigger
import pytest
from django.db import Error, transaction
from django.utils import timezone

from agents.models import Run, Step
from agents.operations import start_run
from tests.factories import SETUP
from tests.house import ALLOW, at_once
from tools.bindings import binding_of
from tools.environments import connection_of, still_leads
from tools.errors import NotCleared, ToolUnavailable
from tools.models import Action, ActionAttempt, Connection
from tools.operations import create_connection, observe, save_tool, update_connection
from tools.operations.proposing import propose
from tools.ports import gate
from tools.states import AttemptKind
from workspaces.errors import InvalidInput, StaleState
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db


def sandbox(house, name="spy-sandbox", **changes):
    """Set up a sandbox connection, and let it take the live one's place in sandbox runs."""
    said = {"config": {"place": "sandbox"}, "secret": {}, "environment": "sandbox", **changes}
    made = create_connection(workspace=house.cast.workspace, name=name, kind="spy", by=SETUP, **said)
    update_connection(connection=house.connection, sandbox=made, by=SETUP)
    return made


@pytest.fixture
def twin(house):
    return sandbox(house)


def in_sandbox(house):
    """Let what the house proposes be of a sandbox run."""
    house.run = start_run(agent_id=house.agent.id, text="Try it.", by=house.cast.owner, environment="sandbox")
    return house


def fresh(action):
    return Action.objects.select_related("tool__connection").get(pk=action.pk)


def moved_to_live(connection):
    """Edit a connection's environment past the database's guard."""
    with pgtrigger.ignore("tools.Connection:connection_stays_where_it_is"):
        Connection.objects.filter(pk=connection.pk).update(environment="live")


def test_a_tool_leads_to_the_connection_of_the_runs_environment(house, twin):
    assert house.execute(house.approved("change")).status == "succeeded"
    assert set(house.world.reached) == {"live"}
    house.world.reached.clear()
    done = in_sandbox(house).execute(house.approved("change"))
    assert (done.status, done.environment) == ("succeeded", "sandbox")
    assert set(house.world.reached) == {"sandbox"}
    assert twin.id in done.scopes
    assert house.connection.id not in done.scopes


def test_without_a_counterpart_the_gate_denies_in_a_sentence(house):
    action = in_sandbox(house).clear(house.propose("look"))
    assert (action.status, house.world.touched) == ("denied", [])
    assert "spy is a live connection without a sandbox counterpart" in action.explanation
    with pytest.raises(ToolUnavailable, match="a sandbox run never reaches a live system"):
        observe(action_id=house.propose("change").id, kind=AttemptKind.BEFORE, by=SETUP)


def test_a_live_run_does_not_go_through_a_sandbox_connection(house, twin):
    save_tool(
        workspace=house.cast.workspace,
        name="send",
        title="Send",
        description="send",
        connection=twin,
        operation_name="spy.send",
        options={},
        by=SETUP,
    )
    action = house.clear(house.propose())
    assert action.status == "denied"
    assert "spy-sandbox is a sandbox connection, so a live run does not go through it." in action.explanation
    assert in_sandbox(house).asked().status == "open"


def test_an_action_of_another_environment_than_its_run_is_denied(house, twin):
    action = house.clear(house.propose("look", environment="sandbox"))
    assert action.status == "denied"
    assert "The run is a live run, and this action is not of it." in action.explanation


def test_rules_can_read_the_environment_of_the_run(house, twin):
    deny = {"name": "live", "when": "run.environment == 'live'", "reason": "Only to try.", "outcome": "deny"}
    house.policy(ALLOW, deny)
    assert house.clear(house.propose()).explanation == "Only to try."
    assert in_sandbox(house).clear(house.propose()).status == "approved"


def test_what_happens_in_the_sandbox_is_no_history_of_live_runs(house, twin):
    live = house.run
    in_sandbox(house)
    for _ in range(4):
        house.propose("look")
    house.run = live
    assert house.asked().verdict.inputs["history"]["tool_day"] == 0


@pytest.mark.parametrize("where", ["the environment", "the counterpart"])
def test_invariant_02_what_is_edited_between_approval_and_execution_stops_it(house, twin, where):
    action = in_sandbox(house).approved()
    if where == "the environment":
        moved_to_live(twin)
    else:
        sandbox(house, "another")
    with pytest.raises((NotCleared, ToolUnavailable)):
        house.execute(action)
    assert (fresh(action).status, house.world.done) == ("approved", [])


def test_the_binding_names_both_environments(house, twin):
    action = fresh(in_sandbox(house).approved())
    before = binding_of(action, connection=twin, policy_digest="p")
    twin.environment = "live"
    assert binding_of(action, connection=twin, policy_digest="p") != before


@pytest.mark.parametrize("edit", ["the environment", "the counterpart", "disabled"])
def test_invariant_02_the_claim_itself_compares_the_environments(house, twin, edit, monkeypatch):
    """Whatever moves after everything was read and compared, before the UPDATE."""
    action = in_sandbox(house).approved()

    def meanwhile(_action):
        if edit == "the environment":
            moved_to_live(twin)
        elif edit == "disabled":
            Connection.objects.filter(pk=twin.pk).update(is_enabled=False)
        else:
            Connection.objects.filter(pk=house.connection.pk).update(sandbox=None)
        return True

    monkeypatch.setattr(type(gate()), "still_holds", lambda self, action: meanwhile(action))
    with pytest.raises(StaleState):
        house.execute(action)
    assert house.world.done == []
    assert not ActionAttempt.objects.filter(action=action, kind="execute").exists()


def test_invariant_02_the_second_door_compares_the_environments_too(house, twin, monkeypatch):
    action = in_sandbox(house).propose("change")
    monkeypatch.setattr(type(gate()), "may_observe", lambda self, found: connection_of(found) and True)
    monkeypatch.setattr("tools.operations.observing.call_for", opened_then(lambda: moved_to_live(twin)))
    with pytest.raises(ToolUnavailable, match="not in this run's environment"):
        observe(action_id=action.id, kind=AttemptKind.BEFORE, by=SETUP)
    assert house.world.touched == []
    assert not action.attempts.exists()


def opened_then(edit):
    from tools.operations.targets import call_for

    def both(action):
        call = call_for(action)
        edit()
        return call

    return both


def test_of_two_at_once_neither_reaches_the_other_environment(house, twin, transactional_db):
    live = house.approved("send")
    tried = in_sandbox(house).approved("send")
    at_once(lambda: house.execute(live), lambda: house.execute(tried))
    assert sorted(house.world.reached) == ["live", "sandbox"]
    assert {fresh(live).status, fresh(tried).status} == {"succeeded"}


def test_the_database_keeps_runs_and_what_follows_from_them_in_one_environment(house, twin):
    done = in_sandbox(house).execute(house.approved("change"))
    for change in (
        lambda: Run.objects.filter(pk=house.run.pk).update(environment="live"),
        lambda: Action.objects.filter(pk=done.pk).update(environment="live"),
        lambda: Connection.objects.filter(pk=twin.pk).update(environment="live"),
        lambda: Connection.objects.filter(pk=twin.pk).update(sandbox=house.connection),
        lambda: house.propose("change", compensates=done, environment="live"),
        lambda: rollback_of(house.run, environment="live"),
        lambda: step_about(house.run, house.propose("look", environment="live")),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()
    assert rollback_of(house.run, environment="sandbox").environment == "sandbox"


def rollback_of(run, environment):
    return Run.objects.create(
        workspace_id=run.workspace_id, kind="rollback", agent=run.agent, version=run.version, rolls_back=run,
        environment=environment, title="Back", input={}, started_by=run.started_by, step_limit=1,
    )  # fmt: skip


def step_about(run, action):
    return Step.objects.create(
        workspace_id=run.workspace_id, run=run, number=99, turn=1, kind="action", status="ready", action=action,
        created_at=timezone.now(),
    )  # fmt: skip


def test_a_built_in_tool_serves_both_environments(house, monkeypatch):
    monkeypatch.setattr("tools.environments.is_builtin", lambda kind: kind == "spy")
    action = fresh(in_sandbox(house).propose("look"))
    assert connection_of(action) == house.connection
    assert Action.objects.filter(still_leads(action, house.connection), pk=action.pk).exists()


@pytest.mark.parametrize(
    ("config", "environment", "words"),
    [
        ({"host": "db2.example", "port": 5432, "database": "crm"}, "sandbox", None),
        ({"host": "db.example", "port": 5432, "database": "crm"}, "sandbox", "very same place"),
        ({"host": "DB.example", "port": 5432, "database": "crm"}, "sandbox", "very same place"),
        ({"host": "db.example", "port": 5432, "database": "tests"}, "sandbox", None),
        ({"host": "db.example", "port": 5432, "database": "crm"}, "live", None),
    ],
)
def test_the_address_of_a_live_system_is_no_sandbox(house, config, environment, words):
    where = {"workspace": house.cast.workspace, "kind": "spy", "secret": {}, "by": SETUP}
    place = {"host": "db.example", "port": 5432, "database": "crm"}
    create_connection(name="crm", config=place, **where)
    if words is None:
        assert create_connection(name="new", config=config, environment=environment, **where).environment == environment
        return
    with pytest.raises(InvalidInput, match=words):
        create_connection(name="new", config=config, environment=environment, **where)
    other = create_connection(name="new", config={}, environment=environment, **where)
    with pytest.raises(InvalidInput, match=words):
        update_connection(connection=other, config=config, by=SETUP)


def test_a_key_for_live_payments_is_no_sandbox(cast):
    where = {
        "workspace": cast.workspace,
        "kind": "stripe",
        "config": {"base_url": "https://api.stripe.com"},
        "by": SETUP,
    }
    create_connection(name="live", secret={"api_key": "sk_live_0123456789"}, **where)
    with pytest.raises(InvalidInput, match="takes a test key"):
        create_connection(name="box", secret={"api_key": "rk_live_0123456789"}, environment="sandbox", **where)
    made = create_connection(name="box", secret={"api_key": "sk_test_0123456789"}, environment="sandbox", **where)
    with pytest.raises(InvalidInput, match="takes a test key"):
        update_connection(connection=made, secret={"api_key": "sk_live_0123456789"}, by=SETUP)
    assert update_connection(connection=made, config={"base_url": "https://api.stripe.com/"}, by=SETUP).version == 2


def test_only_a_sandbox_connection_of_the_same_kind_is_a_counterpart(house, twin, cast):
    where = {"workspace": cast.workspace, "kind": "spy", "config": {}, "secret": {}, "by": SETUP}
    for name, sandbox_, environment in (("one", house.connection, "live"), ("two", twin, "sandbox")):
        with pytest.raises(InvalidInput, match="counterpart"):
            create_connection(name=name, sandbox=sandbox_, environment=environment, **where)
    foreign = create_connection(**{**where, "workspace": cast.elsewhere, "name": "x", "environment": "sandbox"})
    with pytest.raises(InvalidInput, match="in this workspace"):
        update_connection(connection=house.connection, sandbox=foreign, by=SETUP)
    update_connection(connection=house.connection, is_enabled=True, by=SETUP)
    assert Connection.objects.get(pk=house.connection.pk).sandbox == twin
    update_connection(connection=house.connection, sandbox=None, by=SETUP)
    assert Connection.objects.get(pk=house.connection.pk).sandbox is None


def test_a_run_is_begun_in_an_environment_that_there_is(house):
    with pytest.raises(InvalidInput, match="no such environment"):
        start_run(agent_id=house.agent.id, text="Hi", by=house.cast.owner, environment="production")


def test_a_proposal_says_its_environment(house):
    with pytest.raises(KeyError):
        propose(
            tool=house.tools["look"], arguments={}, step_id=uuid7(), run_id=house.run.id, agent_id=house.agent.id,
            agent_version_id=house.run.version_id, causes=[], scopes=[], provenance=[], untrusted_influence=True,
            by=SETUP,
        )  # type: ignore[call-arg]  # fmt: skip
