"""The tool that remembers is built in: what it does and its outcome are one transaction, so it is never in doubt."""

from typing import ClassVar

import pytest

from agents.models import Run
from memory.connectors.remembering import MemoryConnector, Remember
from memory.models import Fact
from memory.operations import session_for
from tests.factories import SETUP
from tests.house import ALLOW
from tools.connectors import registry
from tools.models import Action
from tools.operations import create_connection, look_before, lose, save_tool
from tools.ports import gate
from workspaces.forgetting import MARK, without

pytestmark = pytest.mark.django_db


class Breaking(Remember):
    """Writes, and fails before it has said so."""

    def execute(self, target, arguments, *, key, before):
        super().execute(target, arguments, key=key, before=before)
        raise RuntimeError("after the write")


class BreakingConnector(MemoryConnector):
    kind: ClassVar[str] = "breaking-memory"
    operations: ClassVar = {Remember.name: Breaking()}


@pytest.fixture
def breaking():
    registry.register(BreakingConnector(), builtin=True)
    yield BreakingConnector.kind
    del registry._known[BreakingConnector.kind]
    registry._builtin.discard(BreakingConnector.kind)


def remembering(house, kind="memory"):
    """Return a cleared action that would remember something of customer 7."""
    house.policy(ALLOW)
    where = house.cast.workspace
    session = session_for(
        workspace_id=where.id, agent_id=house.agent.id, subject_kind="customer", subject_ref="7", by=SETUP
    )
    Run.objects.filter(pk=house.run.pk).update(session=session)
    way = create_connection(workspace=where, name="memory", kind=kind, config={}, secret={}, by=SETUP)
    said = {"title": "Remember", "description": "r", "operation_name": "memory.remember", "options": {}}
    house.tools["remember"] = save_tool(workspace=where, name="remember", connection=way, by=SETUP, **said)
    action = house.propose("remember", arguments={"key": "diet", "value": "vegan"})
    look_before(action_id=action.id, by=SETUP)
    return gate().clear(action.id)


def test_fact_is_written_with_its_outcome(house):
    done = house.execute(remembering(house))
    fact = Fact.objects.get()
    assert (done.status, done.result) == ("succeeded", {"remembered": True, "fact": str(fact.id)})
    assert (fact.action_id, fact.value, done.undo_plan["arguments"]) == (
        done.id,
        "vegan",
        {"key": "diet", "value": None},
    )


def test_invariant_04_a_failure_after_the_write_leaves_nothing_and_no_doubt(house, breaking):
    done = house.execute(remembering(house, breaking))
    assert (done.status, Fact.objects.count()) == ("failed", 0)
    assert "Nothing of it was kept." in done.explanation


def test_invariant_05_what_a_lost_worker_began_is_tried_again_under_the_same_clearance(house):
    action = remembering(house)
    Action.objects.filter(pk=action.pk).update(status="executing", attempt=1)
    again = lose(action_id=action.id, attempt=1, by=SETUP)
    assert (again.status, again.cleared_binding) == ("approved", action.cleared_binding)
    assert house.execute(again).status == "succeeded"


def test_what_moved_since_people_looked_goes_back_to_them(house):
    action = remembering(house)
    other = house.propose("remember", arguments={"key": "diet", "value": "kosher"})
    look_before(action_id=other.id, by=SETUP)
    house.execute(gate().clear(other.id))
    drifted = house.execute(action)
    assert (drifted.status, Fact.objects.get().value) == ("approved", "kosher")
    assert drifted.attempts.get(kind="execute").outcome == "drifted"


@pytest.mark.parametrize(
    ("value", "secret", "left"),
    [
        ({"a": ["I like RED  wine.", 7]}, "red wine", {"a": [f"I like {MARK}.", 7]}),
        ("no", "No", MARK),
        ("no wine", "no", "no wine"),
        ({"n": 7}, 7, {"n": 7}),
        ("text", " ", "text"),
    ],
)
def test_what_is_forgotten_is_taken_out_of_texts(value, secret, left):
    assert without(value, secret) == left
