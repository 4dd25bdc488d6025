"""What each failure of Stripe proves, over real HTTP, and that money goes back at most once (DESIGN invariant 5)."""

import json
import threading
import traceback
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.payments import API_KEY
from tools.connectors.base import NotSent, Refused, Unknown
from tools.connectors.registry import operation
from tools.connectors.stripe import StripeConnector

REFUND = operation("stripe", "refund.create")
CHARGE = operation("stripe", "charge.find")
CANCEL = operation("stripe", "subscription.cancel_at_period_end")
REFUNDS = "/v1/refunds"


@pytest.fixture
def due(payments):
    """A charge of EUR 50.00, of which 7.00 are to be refunded, and the charge as people saw it."""
    customer = payments.customer()
    arguments = {"charge": payments.charge(customer), "customer": customer, "currency": "eur", "amount": 700}
    return arguments, REFUND.before(payments.target(), arguments)


def refund(payments, due, *, deadline=10.0, key=None, **changes):
    arguments, before = due
    key = key or f"cs-{arguments['charge']}"
    return REFUND.execute(payments.target(deadline=deadline), {**arguments, **changes}, key=key, before=before)


def probe(payments, due):
    return REFUND.probe(payments.target(), due[0], key=f"cs-{due[0]['charge']}", before=due[1]).happened


def error(kind, message="Words of Stripe.", **more):
    return {"type": kind, "message": message, **more}


@pytest.mark.parametrize(
    ("status", "said", "proves", "sentence"),
    [
        (400, error("invalid_request_error", code="charge_disputed"), Refused, "Stripe refused: Words of Stripe"),
        (400, error("invalid_request_error", code="rate_limit"), NotSent, "no more requests"),
        (400, error("idempotency_error"), Unknown, "asked Stripe for something else"),
        (401, error("invalid_request_error"), Refused, "renew the connection's credential"),
        (402, error("card_error", code="card_declined"), Refused, "bank refused: Words of Stripe"),
        (403, error("invalid_request_error"), Refused, "give it the permission"),
        (404, error("invalid_request_error"), Refused, "Stripe refused"),
        (409, error("idempotency_error", code="idempotency_key_in_use"), Unknown, "still being worked on"),
        (424, error("api_error"), Unknown, "did not say what became of it"),
        (429, error("invalid_request_error", code="lock_timeout"), NotSent, "nothing was done"),
        (500, error("api_error"), Unknown, "did not say what became of it"),
        (502, None, Unknown, "did not say what became of it"),
        (503, error("api_error"), Unknown, "did not say what became of it"),
        (504, error("api_error"), Unknown, "did not say what became of it"),
        (200, None, Unknown, "did not say what became of it"),
        (307, None, Refused, "status 307"),
    ],
    ids=str,
)
def test_invariant_05_each_documented_error_proves_what_it_can(payments, due, status, said, proves, sentence):
    payments.fail(REFUNDS, "answer", status=status, error=said, body="<html>")
    with pytest.raises(proves, match=sentence) as failed:
        refund(payments, due)
    assert type(failed.value) is proves
    assert failed.value.__context__ is None
    assert failed.value.evidence["status"] == status
    assert payments.refunds(due[0]["charge"]) == []
    assert probe(payments, due) is False


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("made", [CHARGE, REFUND], ids=lambda made: made.name)
def test_a_read_that_fails_changes_nothing_and_may_be_tried_again(payments, due, made, status):
    payments.fail("/v1/charges", "answer", method="GET", status=status, error=error("api_error"))
    with pytest.raises(NotSent, match="nothing was changed"):
        made.execute(payments.target(), due[0], key="cs-read", before=due[1])
    payments.fail("/v1/charges", "cut", method="GET")
    with pytest.raises(NotSent):
        made.execute(payments.target(), due[0], key="cs-read", before=due[1])
    assert payments.refunds(due[0]["charge"]) == []


@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after the effect"])
@pytest.mark.parametrize("then", ["cut", "hang"])
def test_invariant_05_a_cut_is_in_doubt_and_trying_again_refunds_exactly_once(payments, due, then, after):
    payments.fail(REFUNDS, then, after=after)
    with pytest.raises(Unknown):
        refund(payments, due, deadline=10.0 if then == "cut" else 0.7)
    assert probe(payments, due) is after
    payments.release()
    done = refund(payments, due)
    assert payments.refunds(due[0]["charge"]) == [700]
    assert done.after["amount_refunded"] == 700
    assert probe(payments, due) is True


def test_a_cut_while_a_first_try_is_still_worked_on_does_not_refund_twice(payments, due):
    """The second try under the key is refused by Stripe; once the first is through, it is what a third one finds."""
    payments.fail(REFUNDS, "hang", after=False)
    with pytest.raises(Unknown):
        refund(payments, due, deadline=0.7)
    with pytest.raises(Unknown, match="still being worked on"):
        refund(payments, due)
    payments.release()
    refund(payments, due)
    assert payments.refunds(due[0]["charge"]) == [700]


def test_a_failure_that_stripe_keeps_is_said_to_be_kept(payments, due):
    payments.fail(REFUNDS, "answer", status=500, error=error("api_error"))
    with pytest.raises(Unknown):
        refund(payments, due)
    with pytest.raises(Unknown, match="kept its failure") as kept:
        refund(payments, due)
    assert kept.value.evidence["replayed"] is True
    assert payments.refunds(due[0]["charge"]) == []


@pytest.mark.parametrize("wrong", [{"amount": 9900}, {"charge": "ch_another"}], ids=str)
def test_an_answer_that_tells_of_another_refund_is_in_doubt_and_the_right_one_is_made_once(payments, due, wrong):
    told = {"id": "re_1", "object": "refund", "status": "succeeded", "charge": due[0]["charge"], "amount": 700}
    payments.fail(REFUNDS, "answer", status=200, error=None, body=json.dumps({**told, "currency": "eur", **wrong}))
    with pytest.raises(Unknown, match="another refund than was asked for"):
        refund(payments, due, key=f"lied-{due[0]['charge']}")
    assert payments.refunds(due[0]["charge"]) == []


def test_a_refund_under_the_key_that_is_not_what_was_decided_on_is_left_to_a_person(payments, due):
    key = f"cs-{due[0]['charge']}"
    payments.ask("refunds", charge=due[0]["charge"], amount=900, **{"metadata[countersign_action]": key})
    assert probe(payments, due) is None
    with pytest.raises(Unknown, match="another refund"):
        refund(payments, due)
    assert payments.refunds(due[0]["charge"]) == [900]


def test_a_change_that_stripe_confirms_and_does_not_show_is_in_doubt(payments):
    customer = payments.customer()
    arguments = {"subscription": payments.subscription(customer), "customer": customer, "cancel": True}
    before = CANCEL.before(payments.target(), arguments)
    body = json.dumps({"id": arguments["subscription"], "object": "subscription"})
    payments.fail("/v1/subscriptions", "answer", status=200, error=None, body=body)
    with pytest.raises(Unknown, match="shows it as it was"):
        CANCEL.execute(payments.target(), arguments, key=customer, before=before)
    assert CANCEL.probe(payments.target(), arguments, key=customer, before=before).happened is False


def test_a_failure_after_the_effect_is_found_out(payments, due):
    payments.fail(REFUNDS, "answer", after=True, status=500, error=error("api_error"))
    with pytest.raises(Unknown):
        refund(payments, due)
    assert probe(payments, due) is True
    assert refund(payments, due).result["amount"] == 700
    assert payments.refunds(due[0]["charge"]) == [700]


def test_two_at_once_under_one_key_refund_once(payments, due):
    ends = []

    def try_it():
        try:
            ends.append(refund(payments, due).result["refund"])
        except Unknown as unknown:
            ends.append(unknown)
        except Exception as other:
            ends.append(other)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(ends) == 4
    assert payments.refunds(due[0]["charge"]) == [700]


def test_two_actions_cannot_refund_more_than_there_is(payments, due):
    refund(payments, due, key=f"one-{due[0]['charge']}", amount=3000)
    arguments, before = due
    found = {**before, "amount_refunded": 3000, "remaining": 2000}
    with pytest.raises(Refused, match=r"more than the EUR 20\.00 that remain"):
        refund(payments, (arguments, found), key=f"two-{arguments['charge']}", amount=3000)
    assert payments.refunds(arguments["charge"]) == [3000]


def test_a_change_that_was_cut_is_found_by_its_key(payments):
    customer = payments.customer()
    arguments = {"subscription": payments.subscription(customer), "customer": customer, "cancel": True}
    before = CANCEL.before(payments.target(), arguments)
    for after in (False, True):
        payments.fail("/v1/subscriptions", "cut", after=after)
        with pytest.raises(Unknown):
            CANCEL.execute(payments.target(), arguments, key=customer, before=before)
        assert CANCEL.probe(payments.target(), arguments, key=customer, before=before).happened is after
    done = CANCEL.execute(payments.target(), arguments, key=customer, before=before)
    assert done.after["cancel_at_period_end"] is True


def test_a_refund_whose_result_cannot_be_read_is_made_all_the_same(payments, due):
    """The charge is read before the refund and after it: the second time Stripe fails."""
    arguments, before = due
    payments.fail("/v1/charges", "answer", method="GET", skip=1, status=500, error=error("api_error"))
    assert refund(payments, due).after == REFUND.predict(arguments, before)
    assert payments.refunds(arguments["charge"]) == [700]


def test_invariant_15_a_server_that_echoes_the_key_shows_it_to_nobody(payments, due):
    payments.fail(REFUNDS, "answer", status=400, error=error("invalid_request_error", f"No: {API_KEY}", code=API_KEY))
    with pytest.raises(Refused) as refused:
        refund(payments, due)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value.evidence) + repr(payments.target())
    assert "[hidden]" in shown
    assert API_KEY not in shown


def test_a_wrong_key_is_refused(payments):
    with pytest.raises(Refused, match="refused the API key"):
        StripeConnector().check(replace(payments.target(), secret={"api_key": "pk_none"}))


CHARGES = st.builds(
    lambda amount, share, currency, whose: (amount, amount * share // 4, currency, whose),
    st.integers(1, 10**8),
    st.integers(0, 4),
    st.sampled_from(["eur", "usd", "jpy", "kwd"]),
    st.sampled_from(["theirs", "theirs", "another's", "nobody's"]),
)
ASKED = st.tuples(
    st.sampled_from(["the charge", "another id"]),
    st.sampled_from(["own", "own", "own", "eur", "jpy"]),
    st.one_of(st.none(), st.sampled_from(["rest", "rest + 1", "amount"]), st.integers(1, 10**8)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charges=st.lists(CHARGES, max_size=2), asked=ASKED)
def test_generated_charges_are_never_refunded_wrongly_and_always_with_a_sentence(payments, charges, asked):
    """Whatever is asked for, what localstripe pays back is the approved amount, or nothing with a sentence."""
    customer, other = payments.customer(), payments.customer("other@example.com")
    owners = {"theirs": customer, "another's": other, "nobody's": None}
    ids = [payments.charge(owners[whose], amount, currency, done) for amount, done, currency, whose in charges]
    which, currency, wanted = asked
    named = ids[0] if ids and which == "the charge" else "ch_nobodyknows"
    amount, done, own, whose = charges[0] if charges else (0, 0, "eur", "theirs")
    rest = amount - done
    arguments = {"charge": named, "customer": customer, "currency": own if currency == "own" else currency}
    if wanted is not None:
        arguments["amount"] = {"rest": rest, "rest + 1": rest + 1, "amount": amount}.get(wanted, wanted)
    meant = arguments.get("amount", rest)
    right = named in ids and whose == "theirs" and arguments["currency"] == own and 0 < meant <= rest
    event("right" if right else "wrong")
    given_back = [payments.refunds(charge) for charge in ids]

    def ask():
        before = REFUND.before(payments.target(), arguments)
        REFUND.execute(payments.target(), arguments, key=f"cs-{customer}", before=before)

    if not right:
        with pytest.raises(Refused, match=r".{20,}\.$"):
            ask()
        assert [payments.refunds(charge) for charge in ids] == given_back
    else:
        ask()
        assert [payments.refunds(charge) for charge in ids[1:]] == given_back[1:]
        assert sorted([*given_back[0], meant]) == payments.refunds(named)
