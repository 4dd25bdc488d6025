"""Actions of simulated runs at the gate and at the doors: judged like any other, and through the first door by none."""

import pytest
from django.db import IntegrityError, transaction

from approvals.models import Request, Verdict
from tests.house import ALLOW, DENY, events
from tools.models import Action
from workspaces.errors import StaleState

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("tool", ["change", "send"])
def test_invariant_01_simulated_action_never_passes_the_first_door(house, tool):
    house.policy(ALLOW)
    action = house.clear(house.propose(tool, simulated=True))
    assert (action.status, action.cleared_until, action.attempt) == ("simulated", None, 0)
    assert action.explanation == "Simulated: nothing was changed or sent. The policy would have let it pass."
    expected = {"name": "ada", "value": "new"} if tool == "change" else None
    assert action.result == {"simulated": True, "expected": expected}
    assert Verdict.objects.get(action=action).outcome == "allow"
    with pytest.raises(StaleState):
        house.execute(action)
    assert "execute" not in house.world.touched
    assert events(action)[-1] == "action.simulated"


def test_nobody_is_asked_and_what_is_denied_is_denied(house):
    asked = house.clear(house.propose("send", simulated=True))
    assert (asked.status, Request.objects.exists()) == ("simulated", False)
    assert "People would have been asked in the queue default" in asked.explanation
    house.policy(DENY)
    denied = house.clear(house.propose("send", simulated=True))
    assert (denied.status, denied.result, denied.explanation) == ("denied", None, "Nothing goes.")


def test_reads_go_through_as_reads_do(house):
    action = house.clear(house.propose("look", simulated=True))
    assert (action.is_simulated, action.status) == (False, "approved")
    assert house.execute(action).status == "succeeded"


def test_invariant_01_database_knows_no_other_way_for_it(house):
    action = house.propose("send", simulated=True)
    for status in ("approved", "in_review", "executing", "succeeded", "failed", "in_doubt"):
        with pytest.raises(IntegrityError, match="never_carried_out"), transaction.atomic():
            Action.objects.filter(pk=action.pk).update(**{"status": status})
    real = house.propose("send")
    with pytest.raises(IntegrityError, match="never_carried_out"), transaction.atomic():
        Action.objects.filter(pk=real.pk).update(**{"status": "simulated"})


def test_what_others_simulated_is_no_history(house):
    for _ in range(3):
        house.clear(house.propose("send", simulated=True, run_id=house.agent.id))
    house.clear(house.propose("send", simulated=True))
    verdict = Verdict.objects.get(action=house.clear(house.propose("send")))
    assert (verdict.inputs["history"]["tool_day"], verdict.inputs["history"]["run_same_call"]) == (1, 1)
