"""What follows from each answer of a person, and that the agent is told of it."""

import json

import pytest

from agents.models import Step
from tools.models import Action

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(desk):
    return desk.crm.anybody("standard")


@pytest.fixture
def asked(desk, talker, customer):
    """A run in which a scripted model has proposed a change and a mail, and people are asked."""
    talker.calls(("crm.customer.find", {"email": customer["email"]}))
    talker.calls(
        ("crm.customer.update", {"id": customer["id"], "tier": "gold"}),
        ("mail.reply", {"to": customer["email"], "subject": "Tier", "body": "Gold now."}),
    )
    talker.says("That is all.")
    return desk.start(f"Please upgrade {customer['email']} to tier gold.")


def told(talker):
    """What the model was told of its calls in the last request, by call id."""
    found = [item for item in talker.heard[-1]["input"] if item.get("type") == "function_call_output"]
    return {item["call_id"]: json.loads(item["output"]) for item in found}


def test_edit_is_gated_anew_and_the_agent_is_told_what_was_changed(desk, talker, asked, customer):
    first = desk.request_for(asked, "crm.customer.update")
    desk.answer(first, "edit", arguments={"id": customer["id"], "tier": "silver"}, reason="Silver is what they bought.")
    run = desk.rest(asked)
    revised = desk.request_for(run, "crm.customer.update")
    assert revised.action.revises == first.action
    assert desk.crm.customer(customer["id"])["tier"] == "standard"

    desk.answer(revised, by=desk.cast.finance)
    desk.answer(desk.request_for(run, "mail.reply"))
    run = desk.rest(run)
    assert run.status == "succeeded", run.explanation
    assert desk.crm.customer(customer["id"])["tier"] == "silver"
    change = told(talker)["call_1_0"]
    assert change["status"] == "edited"
    assert change["changed"] == {"/tier": {"yours": "gold", "theirs": "silver"}}
    assert "Do not repeat" in change["note"]


def test_edit_of_an_edit_is_compared_with_what_the_agent_proposed(desk, talker, asked, customer):
    for tier, note in (("silver", None), ("gold", "Asked by phone.")):
        arguments = {"id": customer["id"], "tier": tier} | ({"note": note} if note else {})
        desk.answer(desk.request_for(asked, "crm.customer.update"), "edit", arguments=arguments)
        desk.rest(asked)
    desk.answer(desk.request_for(asked, "crm.customer.update"), by=desk.cast.finance)
    desk.answer(desk.request_for(asked, "mail.reply"))
    desk.rest(asked)
    changed = told(talker)["call_1_0"]["changed"]
    assert list(changed) == ["/note"]
    assert changed["/note"]["theirs"] == "Asked by phone."


def test_demo_planner_does_not_repeat_its_original_call_after_an_edit(desk, customer):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    desk.answer(
        desk.request_for(run, "crm.customer.update"), "edit", arguments={"id": customer["id"], "tier": "silver"}
    )
    run = desk.rest(run)
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    run = desk.rest(run)
    assert run.status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "silver"
    assert Action.objects.filter(run_id=run.id, tool__name="crm.customer.update", revises=None).count() == 1


def test_rejection_reaches_the_agent_and_leaves_the_sibling_alone(desk, talker, asked, customer):
    desk.answer(desk.request_for(asked, "mail.reply"), "reject", reason="We call this customer instead.")
    run = desk.rest(asked)
    assert [r.action.tool.name for r in desk.requests(run)] == ["crm.customer.update"]
    desk.answer(desk.requests(run)[0])
    run = desk.rest(run)
    assert run.status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert desk.mailbox.messages == []
    assert told(talker)["call_1_1"] == {"status": "rejected", "reason": "We call this customer instead."}


def test_demo_planner_acts_on_the_reason_of_a_rejection(desk, customer):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    first = desk.request_for(run, "mail.reply")
    desk.answer(first, "reject", reason="Too long.")
    desk.answer(desk.request_for(run, "crm.customer.update"))
    run = desk.rest(run)
    again = desk.request_for(run, "mail.reply")
    assert len(again.action.arguments["body"]) < len(first.action.arguments["body"])
    desk.answer(again)
    assert desk.rest(run).status == "succeeded"
    assert len(desk.mailbox.messages) == 1


def test_response_reaches_the_agent_and_nothing_is_done(desk, talker, asked, customer):
    desk.answer(desk.request_for(asked, "crm.customer.update"), "respond", reason="They have paid for silver only.")
    desk.answer(desk.request_for(asked, "mail.reply"), "reject", reason="Not yet.")
    run = desk.rest(asked)
    assert run.status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    assert told(talker)["call_1_0"] == {"status": "answered", "answer": "They have paid for silver only."}
    kinds = {step.call_id: step.status for step in Step.objects.filter(run=run, kind="action")}
    assert set(kinds.values()) == {"succeeded"}


def test_world_moved_since_approval_goes_back_to_people_with_the_difference(desk, asked, customer):
    desk.answer(desk.request_for(asked, "mail.reply"), "reject", reason="No mail.")
    request = desk.request_for(asked, "crm.customer.update")
    desk.crm.change(customer["id"], note="Changed by a colleague.")
    desk.answer(request)
    run = desk.rest(asked)
    assert run.status == "waiting"
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    again = desk.request_for(run, "crm.customer.update")
    assert again.id != request.id
    assert again.evidence["drift"]["before"]["note"] == customer["note"]
    assert again.evidence["drift"]["now"]["note"] == "Changed by a colleague."
    desk.answer(again)
    assert desk.rest(run).status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"


def test_evidence_keeps_facts_and_the_models_words_apart(desk, asked, customer):
    evidence = desk.request_for(asked, "crm.customer.update").evidence
    assert evidence["ticket"]["text"].startswith("Please upgrade")
    assert evidence["ticket"]["trust"] == "untrusted"
    assert evidence["reads"][0]["result"]["rows"][0]["email"] == customer["email"]
    assert set(evidence["model_words"]) >= {"text", "reasoning", "model"}
    assert [(s["tool"], s["status"]) for s in evidence["siblings"]] == [("Send e-mail", "proposed")]
    assert evidence["action"]["arguments"] == {"id": customer["id"], "tier": "gold"}
    assert evidence["before"]["tier"] == "standard"
