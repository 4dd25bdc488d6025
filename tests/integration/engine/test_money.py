"""Refunds by an agent at a real payment system: decided on by people, made once, read back, never made in doubt."""

import pytest

from agents.operations import publish_version
from approvals.errors import MayNotDecide
from approvals.operations import activate_policy, draft_policy, save_queue
from approvals.policies.default import DEFAULT_RULES
from approvals.ports import context_source
from tests.factories import SETUP
from tests.house import events
from tests.payments import API_KEY
from tools.models import Action, Tool
from tools.operations import create_connection, save_tool
from workspaces.errors import Forbidden
from workspaces.operations import teams

pytestmark = pytest.mark.django_db

LARGE = {
    "name": "large-refund",
    "when": "action.operation == 'refund.create' && (action.arguments.currency != 'eur'"
    " || !has(action.arguments.amount) || action.arguments.amount > 20000)",
    "outcome": "review",
    "reason": "It may give back more than EUR 200.",
    "queue": "finance",
    "quorum": 1,
}
OPERATIONS = ["customer.find", "charge.find", "refund.create", "subscription.cancel_at_period_end"]


@pytest.fixture
def till(desk, talker, payments):
    """The desk with tools at the payment system, a rule for large refunds, and a queue of their own for them."""
    where = desk.cast.workspace
    config = {"base_url": f"http://127.0.0.1:{payments.port}"}
    way = create_connection(
        workspace=where, name="payments", kind="stripe", config=config, secret={"api_key": API_KEY}, by=SETUP
    )
    tools = [
        save_tool(workspace=where, name=f"pay.{operation}", title=operation, description=operation, connection=way,
                  operation_name=operation, options={}, by=SETUP)
        for operation in OPERATIONS
    ]  # fmt: skip
    publish_version(agent=desk.desk.agent, goal="Refund.", route=desk.desk.route, tools=tools, by=SETUP)
    queue = save_queue(workspace=where, name="finance", title="Finance", by=SETUP)
    for team in (desk.cast.reviewers, desk.cast.financiers):
        teams.grant(team=team, codename="decide_reviewqueue", target=queue, by=SETUP)
    rules = draft_policy(workspace=where, name="default", title="P", rules=[*DEFAULT_RULES, LARGE], by=SETUP)
    activate_policy(version=rules, by=SETUP)
    return desk


@pytest.fixture
def charge(payments):
    customer = payments.customer()
    return {"charge": payments.charge(customer, 50_000), "customer": customer, "currency": "eur"}


def refunds_of(run):
    return Action.objects.get(run_id=run.id, tool__operation="refund.create")


def asked(till, talker, charge, **more):
    talker.calls(("pay.refund.create", {**charge, **more})).says("Done.")
    run = till.start("Please refund me.")
    return run, refunds_of(run)


def test_a_refund_waits_for_people_who_see_the_charge_and_is_read_back(till, talker, payments, charge):
    assert Tool.objects.get(name="pay.refund.create").moves_money
    run, action = asked(till, talker, charge, amount=1500)
    assert payments.refunds(charge["charge"]) == []
    (request,) = till.requests(run)
    assert request.queue.name == "default"
    assert request.evidence["before"]["remaining"] == 50_000
    assert action.predicted["remaining"] == 48_500
    till.answer(request)
    till.rest(run)
    action.refresh_from_db()
    assert (action.status, action.explanation) == ("succeeded", "Read back: the system shows the expected state.")
    assert payments.refunds(charge["charge"]) == [1500]


@pytest.mark.parametrize("amount", [{"amount": 20_001}, {}], ids=["above the limit", "all that remains"])
def test_invariant_12_a_large_refund_takes_two_people_of_whom_finance_is_one(till, talker, payments, charge, amount):
    run, action = asked(till, talker, charge, **amount)
    waiting = {request.queue.name: request for request in till.requests(run)}
    assert set(waiting) == {"default", "finance"}
    till.answer(waiting["default"], by=till.cast.reviewer)
    with pytest.raises(MayNotDecide, match="decided on this already"):
        till.answer(waiting["finance"], by=till.cast.reviewer)
    till.rest(run)
    assert payments.refunds(charge["charge"]) == []
    till.answer(waiting["finance"], by=till.cast.finance)
    till.rest(run)
    assert payments.refunds(charge["charge"]) == [amount.get("amount", 50_000)]
    action.refresh_from_db()
    assert action.status == "succeeded"


def test_invariant_12_nobody_refunds_what_they_asked_for(till, talker, payments, charge):
    run, _ = asked(till, talker, charge, amount=100)
    with pytest.raises(Forbidden):
        till.answer(till.requests(run)[0], by=till.cast.owner)
    assert payments.refunds(charge["charge"]) == []


def test_a_refund_that_cannot_be_right_never_reaches_people(till, talker, payments, charge):
    run, action = asked(till, talker, charge, amount=50_001)
    assert (run.status, action.status) == ("succeeded", "cancelled")
    assert "more than the EUR 500.00 that remain" in action.explanation
    assert "more than the EUR 500.00 that remain" in talker.last_heard
    assert payments.refunds(charge["charge"]) == []


def test_a_charge_that_moved_goes_back_to_people(till, talker, payments, charge):
    run, action = asked(till, talker, charge, amount=100)
    payments.ask("refunds", charge=charge["charge"], amount=300)
    till.answer(till.requests(run)[0])
    till.rest(run)
    assert payments.refunds(charge["charge"]) == [300]
    (request,) = till.requests(run)
    assert request.evidence["before"]["amount_refunded"] == 300
    till.answer(request)
    till.rest(run)
    assert payments.refunds(charge["charge"]) == [100, 300]
    action.refresh_from_db()
    assert action.status == "succeeded"


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
def test_invariant_05_a_refund_in_doubt_is_proven_and_made_exactly_once(till, talker, payments, charge, after):
    run, action = asked(till, talker, charge, amount=700)
    payments.fail("/v1/refunds", "cut", after=after)
    till.answer(till.requests(run)[0])
    till.rest(run)
    action.refresh_from_db()
    assert (action.status, action.attempt) == ("succeeded", 1 if after else 2)
    assert payments.refunds(charge["charge"]) == [700]
    assert "action.in_doubt" in events(action)


def test_a_failure_that_stripe_keeps_ends_with_a_person(till, talker, payments, charge):
    """Stripe answers the same failure under the key for a day: after three tries a machine asks no more."""
    run, action = asked(till, talker, charge, amount=700)
    payments.fail("/v1/refunds", "answer", status=500, error={"type": "api_error", "message": "Sorry."})
    till.answer(till.requests(run)[0])
    till.rest(run)
    action.refresh_from_db()
    assert (action.status, action.attempt) == ("in_doubt", 3)
    (request,) = till.requests(run)
    assert request.kind == "settle"
    assert "no refund of this charge under this action's key" in str(request.evidence)
    assert payments.refunds(charge["charge"]) == []


def test_a_busy_stripe_is_asked_again_later(till, talker, payments, charge):
    run, action = asked(till, talker, charge, amount=700)
    payments.fail("/v1/refunds", "answer", status=429, error={"type": "invalid_request_error", "message": "Slow."})
    till.answer(till.requests(run)[0])
    till.rest(run)
    action.refresh_from_db()
    assert (action.status, action.attempt) == ("succeeded", 2)
    assert payments.refunds(charge["charge"]) == [700]


def said(kind, **more):
    return {"type": kind, "message": "Words of Stripe.", **more}


@pytest.mark.parametrize(
    ("status", "error", "ends", "tries"),
    [
        (400, said("invalid_request_error"), "failed", 1),
        (401, said("invalid_request_error"), "failed", 1),
        (402, said("card_error", code="expired_or_canceled_card"), "failed", 1),
        (403, said("invalid_request_error"), "failed", 1),
        (404, said("invalid_request_error"), "failed", 1),
        (400, said("idempotency_error"), "succeeded", 2),
        (409, said("idempotency_error", code="idempotency_key_in_use"), "succeeded", 2),
        (424, said("api_error"), "succeeded", 2),
        (429, said("invalid_request_error", code="lock_timeout"), "succeeded", 2),
        (503, said("api_error"), "in_doubt", 3),
        (502, None, "in_doubt", 3),
    ],
    ids=str,
)
def test_each_documented_error_of_stripe_leaves_a_status_and_a_sentence_and_loses_nothing(
    till, talker, payments, charge, status, error, ends, tries
):
    run, action = asked(till, talker, charge, amount=700)
    payments.fail("/v1/refunds", "answer", status=status, error=error, body="<html>")
    till.answer(till.requests(run)[0])
    till.rest(run)
    action.refresh_from_db()
    assert (action.status, action.attempt, bool(action.explanation.strip())) == (ends, tries, True)
    assert payments.refunds(charge["charge"]) == ([700] if ends == "succeeded" else [])
    assert (run.status, len(till.requests(run))) == (("waiting", 1) if ends == "in_doubt" else ("succeeded", 0))
    if ends == "failed":
        assert action.explanation[:40] in talker.last_heard
    if ends == "in_doubt":
        till.answer(till.requests(run)[0], settlement="give_up", reason="Stripe shows no refund.")
        assert till.rest(run).status == "succeeded"
        assert "Stripe shows no refund." in talker.last_heard


def test_invariant_12_an_edit_past_the_limit_asks_finance_and_its_editor_has_no_say(till, talker, payments, charge):
    run, _ = asked(till, talker, charge, amount=1500)
    edited = {**charge, "amount": 30_000}
    till.answer(till.requests(run)[0], kind="edit", arguments=edited, reason="All of it.")
    till.rest(run)
    waiting = {request.queue.name: request for request in till.requests(run)}
    assert set(waiting) == {"default", "finance"}
    for request in waiting.values():
        with pytest.raises(Forbidden):
            till.answer(request, by=till.cast.reviewer)
    till.answer(waiting["finance"], by=till.cast.finance)
    with pytest.raises(MayNotDecide):
        till.answer(waiting["default"], by=till.cast.finance)
    till.rest(run)
    assert payments.refunds(charge["charge"]) == []


def test_invariant_11_what_the_agent_says_of_itself_is_shown_and_lets_nothing_pass(till, talker, payments, charge):
    sure = {"name": "sure", "when": "confidence.stated >= 0", "outcome": "allow", "reason": "It says that it is sure."}
    rules = draft_policy(
        workspace=till.cast.workspace, name="default", title="P", rules=[*DEFAULT_RULES, sure], by=SETUP
    )
    activate_policy(version=rules, by=SETUP)
    run, action = asked(till, talker, charge, amount=1500, agent_confidence=1.0)
    assert "agent_confidence" not in action.arguments
    (request,) = till.requests(run)
    figures = request.evidence["confidence"]
    assert (figures["stated"], figures["amount"], figures["computed"] < 100) == (100, 50, True)
    assert request.verdict.inputs["confidence"] == figures
    assert payments.refunds(charge["charge"]) == []


def test_what_another_system_calls_a_passage_is_measured_as_none(till, talker, payments, charge):
    """Else a system that lies, or whoever writes into it, could lower the need for a person."""
    talker.calls(("pay.charge.find", {"customer": charge["customer"]}))
    run, action = asked(till, talker, charge, amount=1500)
    reads = Action.objects.filter(run_id=run.id, effect="read")
    reads.update(result={"passages": [{"score": 1.0}]})
    assert context_source().for_action(action.id).retrieval == -1
