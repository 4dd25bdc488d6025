"""Every operation writes its event in its own transaction: where the ledger refuses, nothing has happened."""

from contextlib import nullcontext

import pytest

from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, Verdict
from approvals.operations import (
    activate_policy,
    ask_for_budget,
    ask_to_settle,
    cancel_action,
    cancel_requests_of_run,
    draft_policy,
    expire_due,
    save_queue,
)
from audit.ledger import recording
from audit.ledger.models import Event
from tests.factories import SETUP
from tests.house import ALLOW, make_tool
from tools.connectors.base import Probe
from tools.models import Action, ActionAttempt, Budget, Connection, Tool
from tools.operations import (
    create_connection,
    look_before,
    lose,
    observe,
    set_tool_enabled,
    settle,
    update_connection,
)
from tools.ports import gate
from tools.states import AttemptKind

pytestmark = pytest.mark.django_db
TABLES = [
    *(Action, ActionAttempt, Budget, Connection, Tool, Event),
    *(Decision, Policy, PolicyVersion, Request, ReviewQueue, Verdict),
]


def snapshot():
    return {model: list(model.objects.order_by("pk").values()) for model in TABLES}


def late(house):
    request = house.asked()
    Request.objects.update(expires_at=request.opened_at)
    return expire_due


def budget(house):
    return lambda: ask_for_budget(
        workspace_id=house.cast.workspace.id,
        run_id=house.run.id,
        agent_id=house.agent.id,
        title="t",
        evidence={},
        causes=[],
        by=SETUP,
    )


def deciding(kind, **said):
    def prepare(house):
        request = house.asked()
        return lambda: house.answer(request, kind, **said)

    return prepare


def about(make, operate):
    """Prepare an action, then run ``operate`` on it."""

    def prepare(house):
        action = make(house)
        return lambda: operate(action)

    return prepare


def drafted(house):
    draft = draft_policy(workspace=house.cast.workspace, name="default", title="P", rules=[ALLOW], by=SETUP)
    return lambda: activate_policy(version=draft, by=SETUP)


def executing(house):
    action = house.approved()
    Action.objects.filter(pk=action.pk).update(status="executing")
    return action


def stopped_run(house):
    budget(house)()
    return lambda: cancel_requests_of_run(run_id=house.run.id, explanation="x", by=SETUP)


OPERATIONS = {
    "propose": lambda house: house.propose,
    "clear: asked": about(lambda house: house.propose(), lambda action: gate().clear(action.id)),
    "clear: allowed": about(lambda house: house.propose("look"), lambda action: gate().clear(action.id)),
    "clear again": about(lambda house: house.approved(), lambda action: gate().clear(action.id)),
    "execute": lambda house: (lambda action: lambda: house.execute(action))(house.approved()),
    "observe": about(
        lambda house: house.propose(), lambda action: observe(action_id=action.id, kind=AttemptKind.BEFORE, by=SETUP)
    ),
    "look_before": about(
        lambda house: house.propose("change"), lambda action: look_before(action_id=action.id, by=SETUP)
    ),
    "lose": about(executing, lambda action: lose(action_id=action.id, attempt=0, by=SETUP)),
    **{
        f"settle: {happened} {retry}": about(
            lambda house: house.in_doubt(),
            lambda action, happened=happened, retry=retry: settle(
                action_id=action.id, happened=happened, retry=retry, sentence="x", by=SETUP
            ),
        )
        for happened, retry in ((True, False), (False, True), (False, False))
    },
    "approve": deciding("approve"),
    "reject": deciding("reject", reason="No."),
    "respond": deciding("respond", reason="Hm."),
    "edit": deciding("edit", arguments={"name": "ada", "value": "else"}),
    "ask_to_settle": about(
        lambda house: house.in_doubt(),
        lambda action: ask_to_settle(action_id=action.id, probe=Probe(None, "x"), by=SETUP),
    ),
    "ask_for_budget": budget,
    "expire_due": late,
    "cancel_action": about(
        lambda house: house.approved(), lambda action: cancel_action(action_id=action.id, explanation="x", by=SETUP)
    ),
    "cancel_requests_of_run": stopped_run,
    "draft_policy": lambda house: (
        lambda: draft_policy(workspace=house.cast.workspace, name="new", title="P", rules=[ALLOW], by=SETUP)
    ),
    "activate_policy": drafted,
    "save_queue": lambda house: (
        lambda: save_queue(workspace=house.cast.workspace, name="new", title="Q", is_default=True, by=SETUP)
    ),
    "save_tool": lambda house: lambda: make_tool(house.cast, house.connection, "send", options={"a": 1}),
    "set_tool_enabled": lambda house: lambda: set_tool_enabled(tool=house.tools["send"], enabled=False, by=SETUP),
    "create_connection": lambda house: (
        lambda: create_connection(workspace=house.cast.workspace, name="n", kind="spy", config={}, secret={}, by=SETUP)
    ),
    "update_connection": lambda house: (
        lambda: update_connection(connection=house.connection, is_enabled=False, by=SETUP)
    ),
}


GOES_ON = {"expire_due"}
"""What logs a row that it cannot end, and goes on to the next."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_invariant_04_an_operation_without_its_event_has_not_happened(house, monkeypatch, name):
    operate = OPERATIONS[name](house)
    before = snapshot()

    def refuse(*_):
        raise RuntimeError("The ledger is closed.")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "_line", refuse)
        with nullcontext() if name in GOES_ON else pytest.raises(RuntimeError, match="ledger is closed"):
            operate()
    assert {model: rows for model, rows in snapshot().items() if rows != before[model]} == {}
    events = Event.objects.count()
    operate()
    assert Event.objects.count() > events
