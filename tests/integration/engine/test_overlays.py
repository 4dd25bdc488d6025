"""Overlays: what is different for one customer holds from the moment code knows them, and only ever narrows."""

from decimal import Decimal

import pytest
from django.db import Error, transaction

from agents.engine.overlays import take_overlay
from agents.models import Overlay, Run
from agents.operations import publish_overlay, publish_version, start_run
from memory.operations.sessions import session_for
from tests.factories import SETUP
from tests.house import ALLOW, DENY, REVIEW, house, world
from tools.models import Budget
from workspaces.errors import Forbidden, InvalidInput, StaleState

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db


def overlay(agent, ref="7", **said):
    return publish_overlay(agent=agent, subject_ref=str(ref), by=SETUP, **said)


def known(house, ref="7", **changes):
    """Let code have found out that the house's run is about a customer."""
    run = Run.objects.select_related("version", "session").get(pk=house.run.pk)
    run.session = session_for(
        workspace_id=run.workspace_id, agent_id=run.agent_id, subject_kind="customer", subject_ref=ref, by=SETUP
    )
    Run.objects.filter(pk=run.pk).update(session=run.session, **changes)
    take_overlay(run)
    house.run = Run.objects.select_related("version", "overlay").get(pk=run.pk)
    return house.run


def test_a_customers_overlay_holds_once_the_agent_has_found_them(desk, talker):
    customer, other = desk.crm.anybody("standard"), desk.crm.anybody("gold")
    overlay(desk.desk.agent, customer["id"], prompt="Never mention prices.", removed_tools=[desk.desk.send])
    for person in (customer, other):
        talker.calls(("crm.customer.find", {"email": person["email"]}))
        talker.calls(("mail.reply", {"to": person["email"], "subject": "Hi", "body": "Hello"})).says("Done.")
    run = desk.start("Please write to me.")
    assert "overlay 1 for customer" in talker.last_heard
    assert "Never mention prices." in talker.last_heard
    refused = run.steps.get(status="skipped")
    assert "There is no tool named 'mail_reply'" in refused.explanation
    saw = [part for step in run.steps.filter(kind="model") for part in step.output["saw"] if part["kind"] == "overlay"]
    assert {part["label"] for part in saw} == {f"overlay 1 for customer {customer['id']}"}
    second = desk.start("Please write to me too.")
    assert second.overlay is None
    assert [request.action.tool.name for request in desk.requests(second)] == ["mail.reply"]


def test_a_run_keeps_the_version_that_it_took(house):
    first = overlay(house.agent, step_limit=5)
    run = known(house)
    second = overlay(house.agent, step_limit=4)
    assert (second.number, run.overlay, run.step_limit) == (2, first, 5)
    take_overlay(run)
    assert Run.objects.get(pk=run.pk).overlay == first
    for change in (
        lambda: Run.objects.filter(pk=run.pk).update(overlay=second),
        lambda: Run.objects.filter(pk=run.pk).update(overlay=None),
        lambda: Overlay.objects.filter(pk=first.pk).update(step_limit=30),
        lambda: Overlay.objects.filter(pk=first.pk).delete(),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()
    house.run = start_run(agent_id=house.agent.id, text="Again.", by=house.cast.owner)
    assert known(house).overlay == second


def test_whom_nothing_is_different_for_takes_nothing(house):
    overlay(house.agent, "8", step_limit=5)
    assert known(house).overlay is None


def test_a_removed_tool_is_denied_by_the_gate_too(house):
    overlay(house.agent, removed_tools=[house.tools["look"]])
    known(house)
    action = house.clear(house.propose("look"))
    assert (action.status, action.explanation) == (
        "denied", "The overlay 1 for customer 7 removes the tool look."
    )  # fmt: skip
    assert house.world.touched == []


def test_a_customers_rules_narrow_and_are_on_the_verdict(house):
    house.policy(ALLOW)
    overlay(house.agent, rules=[{**REVIEW, "when": "action.tool == 'send'", "reason": "This customer is asked about."}])
    known(house)
    assert house.clear(house.propose("look")).status == "approved"
    request = house.asked("send")
    assert request.reasons == ["This customer is asked about."]
    assert request.verdict.inputs["overlay"] == "overlay 1 for customer 7"


def test_a_review_for_one_customer_does_not_end_the_silence_of_the_policy(house):
    house.policy({**ALLOW, "when": "action.tool == 'look'"})
    overlay(house.agent, rules=[REVIEW])
    known(house)
    assert house.clear(house.propose("send")).status == "denied"


@pytest.mark.parametrize(("rules", "words"), [([ALLOW], "would allow something"), ([{"name": "x"}], "cannot be used")])
def test_rules_that_widen_or_cannot_be_read_deny_when_they_are_applied(house, rules, words):
    """Whatever came into the row past the operation."""
    house.policy(ALLOW)
    Overlay.objects.create(
        workspace=house.cast.workspace, agent=house.agent, subject_ref="7", number=1, rules=rules
    )  # fmt: skip
    known(house)
    action = house.clear(house.propose("look"))
    assert action.status == "denied"
    assert words in action.explanation


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({"step_limit": 31}, "step_limit", "31 steps are more than the 30"),
        ({"calls_per_turn": 17}, "calls_per_turn", "17 calls a turn are more than the 16"),
        ({"budget_usd": Decimal("2.01")}, "budget_usd", "2.01 US dollars are more than the 2"),
        ({"step_limit": 0}, "step_limit", "at least one"),
        ({"budget_usd": Decimal(-1)}, "budget_usd", "not negative"),
        ({"rules": [ALLOW]}, "rules/0", "deny or review"),
        ({"rules": [{**DENY, "on": "look"}]}, "rules/0", "judge actions"),
        ({"rules": [{**DENY, "when": "nothing.known"}]}, "rules/0", "cannot be read"),
        ({"ref": ""}, "subject_ref", "1 to 200 characters"),
        ({"ref": "a\nb"}, "subject_ref", "on one line"),
        ({"prompt": "x" * 10_001}, "prompt", "at most 10,000"),
    ],
)
def test_what_would_widen_is_refused_with_a_sentence_and_nothing_is_stored(house, said, field, words):
    version = house.agent.current_version
    publish_version(
        agent=house.agent, goal="G", route=version.route, tools=[], budget_usd=Decimal(2), by=SETUP
    )  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        overlay(house.agent, **said)
    assert words in " ".join(caught.value.fields[field])
    assert not Overlay.objects.exists()


def test_a_limit_that_a_newer_version_undercuts_is_refused_when_applied(house):
    overlay(house.agent, step_limit=20)
    version = house.agent.current_version
    publish_version(agent=house.agent, goal="G", route=version.route, tools=[], step_limit=10, by=SETUP)
    house.run = start_run(agent_id=house.agent.id, text="Again.", by=house.cast.owner)
    run = known(house)
    assert (run.overlay.number, run.step_limit) == (1, 10)


def test_the_runs_budget_is_lowered_and_what_is_used_stays_counted(house):
    overlay(house.agent, budget_usd=Decimal(3))
    known(house)
    assert Budget.objects.get(scope_id=house.run.id).limit == 3
    house.run = start_run(agent_id=house.agent.id, text="Again.", by=house.cast.owner)
    Budget.objects.create(
        workspace=house.cast.workspace, scope_kind="run", scope_id=house.run.id, name="this run", unit="usd", limit=9,
        spent=4, reserved=1,
    )  # fmt: skip
    known(house)
    assert Budget.objects.get(scope_id=house.run.id).limit == 5


def test_only_owners_publish_and_only_over_a_version_and_within_the_workspace(house, cast):
    with pytest.raises(Forbidden):
        publish_overlay(agent=house.agent, subject_ref="7", by=cast.reviewer)
    foreign = type(house.tools["look"])(workspace_id=cast.elsewhere.id, name="x")
    with pytest.raises(InvalidInput, match="own workspace"):
        overlay(house.agent, removed_tools=[foreign])
    type(house.agent).objects.filter(pk=house.agent.pk).update(current_version=None)
    with pytest.raises(StaleState, match="no version"):
        overlay(house.agent)
