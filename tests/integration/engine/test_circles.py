"""A run that goes round in circles: its model is told once, then people are asked, then it is counted anew."""

import pytest

from agents.models import Step
from tests.integration.engine.test_control import limited
from tests.integration.providers.dialects import Messages
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db


def notices(talker):
    return ["Do not repeat it" in body["messages"][-1]["content"][-1].get("text", "") for body in talker.heard]


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_model_is_told_once_then_people_are_asked_and_then_it_is_counted_anew(desk, talker):
    person = desk.crm.anybody("standard")
    limited(desk, repeat_limit=2)
    for _ in range(7):
        talker.calls(("crm.customer.find", {"email": person["email"]}))
    talker.says("Done.")
    run = desk.start("Hello")
    assert (run.status, notices(talker)) == ("waiting", [False, False, True])
    (request,) = desk.requests(run)
    assert request.evidence["sentence"].startswith("crm.customer.find was called 3 times with the same arguments")
    assert request.evidence["circle"] == {"step": 7}
    told = Step.objects.get(run=run, number=5)
    assert told.output["saw"][-1]["kind"] == "notice"
    with pytest.raises(InvalidInput, match="step limit is more than zero"):
        desk.answer(request, steps=0, by=desk.cast.finance)
    desk.answer(request, by=desk.cast.finance)
    run = desk.rest(run)
    assert (run.status, notices(talker)[3:]) == ("waiting", [False, False, True])  # the gate denies these calls
    talker.turns.left = talker.turns.left[-1:]
    desk.answer(desk.requests(run)[0], by=desk.cast.finance)
    assert desk.rest(run).status == "succeeded"


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_model_that_takes_the_hint_goes_on_without_anybody(desk, talker):
    person = desk.crm.anybody("standard")
    limited(desk, repeat_limit=2)
    for _ in range(2):
        talker.calls(("crm.customer.find", {"email": person["email"]}))
    talker.says("There is nothing to be done.")
    run = desk.start("Hello")
    assert (run.status, notices(talker)) == ("succeeded", [False, False, True])


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_run_that_people_stop_there_fails_with_the_reason(desk, talker):
    limited(desk, repeat_limit=2)
    talker.calls(("no.such.tool", {}))
    run = desk.start("Hello")
    desk.answer(desk.requests(run)[0], "reject", reason="It is lost.", by=desk.cast.finance)
    run = desk.rest(run)
    assert run.status == "failed"
    assert "no_such_tool was called 3 times" in run.explanation
    assert "It is lost." in run.explanation
