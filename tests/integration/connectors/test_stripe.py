"""A Stripe account over real HTTP: what each operation does, what is found again, what goes back to people."""

import pytest

from tests.payments import API_KEY
from tools.amounts import spoken
from tools.connectors.base import Drifted, NotSent, Refused, Target
from tools.connectors.registry import operation
from tools.connectors.stripe import StripeConnector
from tools.connectors.stripe_images import TAG

CUSTOMER = operation("stripe", "customer.find")
CHARGE = operation("stripe", "charge.find")
SUBSCRIPTIONS = operation("stripe", "subscription.find")
REFUND = operation("stripe", "refund.create")
CANCEL = operation("stripe", "subscription.cancel_at_period_end")
NOTES = operation("stripe", "customer.metadata")


@pytest.fixture
def maria(payments):
    return payments.customer()


def rows(made, target, **arguments):
    return made.execute(target, arguments, key="cs-read", before=None).result["rows"]


def carry_out(made, target, arguments, key):
    before = made.before(target, arguments)
    return made.execute(target, arguments, key=key, before=before), before


def refunding(charge, customer, currency="eur", **more):
    return {"charge": charge, "customer": customer, "currency": currency, **more}


def test_the_account_is_checked(payments):
    assert StripeConnector().check(payments.target()).endswith(f"127.0.0.1:{payments.port} to a test key.")


def test_customers_are_found_by_address_and_by_id(payments):
    first = payments.customer("two@example.com", name="One", **{"metadata[tier]": "gold"})
    second = payments.customer("two@example.com")
    found = rows(CUSTOMER, payments.target(), email="two@example.com")
    assert {row["id"] for row in found} == {first, second}
    assert rows(CUSTOMER, payments.target(), customer=first)[0]["metadata"] == {"tier": "gold"}
    assert rows(CUSTOMER, payments.target(), customer=first, email="other@example.com") == []
    assert rows(CUSTOMER, payments.target(), customer="cus_nobody") == []
    done = CUSTOMER.execute(payments.target(limit=1), {"email": "two@example.com"}, key="k", before=None)
    assert (done.result["count"], done.result["truncated"]) == (1, True)


def test_charges_of_one_customer_are_found_with_what_remains(payments, maria):
    other = payments.charge(payments.customer("other@example.com"))
    charges = {payments.charge(maria), payments.charge(maria, 900, "jpy", refunded=400)}
    found = rows(CHARGE, payments.target(), customer=maria)
    assert {row["id"] for row in found} == charges
    assert {(row["currency"], row["amount"], row["amount_refunded"], row["remaining"]) for row in found} == {
        ("eur", 5000, 0, 5000), ("jpy", 900, 400, 500),
    }  # fmt: skip
    assert rows(CHARGE, payments.target(), charge=other, customer=maria) == []
    assert rows(CHARGE, payments.target(), charge=other)[0]["id"] == other
    assert (
        rows(CHARGE, payments.target(), charge="ch_none") == rows(CHARGE, payments.target(), customer="cus_none") == []
    )


def test_a_refund_of_the_rest_is_made_marked_and_read_back(payments, maria):
    charge = payments.charge(maria, refunded=1200)
    arguments = refunding(charge, maria, reason="requested_by_customer")
    done, before = carry_out(REFUND, payments.target(), arguments, "cs-1")
    assert payments.refunds(charge) == [1200, 3800]
    assert done.result["refunded"] == "EUR 38.00"
    assert done.after == REFUND.predict(arguments, before) == REFUND.verify(payments.target(), arguments, done)
    assert (done.after["amount_refunded"], done.after["remaining"]) == (5000, 0)
    assert payments.ask(f"refunds/{done.result['refund']}")["metadata"] == {TAG: "cs-1"}
    assert REFUND.undo(arguments, before, done.after) is None


def test_invariant_05_the_same_key_refunds_once_also_when_stripe_has_forgotten_it(payments, maria):
    """Asked again under the key, the refund is found by its mark before Stripe is asked anything."""
    charge = payments.charge(maria)
    arguments = refunding(charge, maria, amount=700)
    first, before = carry_out(REFUND, payments.target(), arguments, "cs-2")
    again = REFUND.execute(payments.target(), arguments, key="cs-2", before=before)
    assert again.result == first.result
    assert payments.refunds(charge) == [700]


def test_a_refund_that_is_gone_is_not_read_back(payments, maria):
    charge = payments.charge(maria)
    done, _ = carry_out(REFUND, payments.target(), refunding(charge, maria, amount=700), "cs-3")
    done.result["refund"] = "re_gone"
    assert REFUND.verify(payments.target(), refunding(charge, maria, amount=700), done) is None


def test_drift_of_a_charge_goes_back_to_people(payments, maria):
    charge = payments.charge(maria)
    arguments = refunding(charge, maria, amount=700)
    before = REFUND.before(payments.target(), arguments)
    payments.ask("refunds", charge=charge, amount=100)
    with pytest.raises(Drifted) as drifted:
        REFUND.execute(payments.target(), arguments, key="cs-4", before=before)
    assert drifted.value.found["amount_refunded"] == 100
    assert payments.refunds(charge) == [100]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"amount": 5001}, r"EUR 50\.01 is more than the EUR 50\.00 that remain"),
        ({"currency": "usd"}, "is in EUR, not in USD"),
        ({"customer": "cus_other"}, "not of the customer that is named"),
        ({"customer": None}, "not of the customer that is named"),
        ({"charge": "ch_none"}, "knows no such charge"),
        ({"charge": "ch_/../customers"}, "not the id of a charge"),
        ({"amount": True}, "whole number"),
        ({"amount": 0}, "whole number"),
    ],
    ids=str,
)
def test_a_refund_that_cannot_be_right_is_refused_before_people_are_asked(payments, maria, arguments, sentence):
    charge = payments.charge(maria)
    with pytest.raises(Refused, match=sentence):
        REFUND.before(payments.target(), {**refunding(charge, maria), **arguments})


def test_a_charge_of_nobody_is_refunded_only_where_nobody_is_named(payments, maria):
    charge = payments.charge(None)
    with pytest.raises(Refused, match="of no customer"):
        REFUND.before(payments.target(), refunding(charge, maria))
    arguments = {"charge": charge, "currency": "eur"}
    carry_out(REFUND, payments.target(), arguments, "cs-5")
    with pytest.raises(Refused, match=r"of EUR 50\.00 has been refunded already"):
        REFUND.before(payments.target(), arguments)


def test_a_tool_caps_what_one_refund_gives_back(payments, maria):
    charge = payments.charge(maria)
    target = payments.target(currencies=["eur"], max_amount=2000)
    with pytest.raises(Refused, match=r"at most EUR 20\.00"):
        REFUND.before(target, refunding(charge, maria))
    carry_out(REFUND, target, refunding(charge, maria, amount=2000), "cs-6")
    assert payments.refunds(charge) == [2000]


@pytest.mark.parametrize(
    "options",
    [{"max_amount": 100}, {"currencies": ["EUR"]}, {"currencies": []}, {"currencies": ["eur"], "max_amount": 0}],
)
def test_unusable_options_of_refunds_are_refused(options):
    with pytest.raises(Refused, match="correct the tool"):
        REFUND.schema(options)


def test_subscriptions_of_one_customer_are_found_and_nobody_elses(payments, maria):
    subscription, other = payments.subscription(maria), payments.customer("other@example.com")
    (row,) = rows(SUBSCRIPTIONS, payments.target(), customer=maria)
    assert (row["id"], row["customer"], row["cancel_at_period_end"]) == (subscription, maria, False)
    assert rows(SUBSCRIPTIONS, payments.target(), subscription=subscription) == [row]
    assert rows(SUBSCRIPTIONS, payments.target(), subscription=subscription, customer=other) == []
    assert rows(SUBSCRIPTIONS, payments.target(), customer="cus_nobody") == []


def test_a_subscription_ends_with_its_period_and_goes_on_again(payments, maria):
    subscription = payments.subscription(maria)
    arguments = {"subscription": subscription, "customer": maria, "cancel": True}
    done, before = carry_out(CANCEL, payments.target(), arguments, "cs-7")
    assert (before["cancel_at_period_end"], done.after["cancel_at_period_end"]) == (False, True)
    assert done.after == CANCEL.predict(arguments, before) == CANCEL.verify(payments.target(), arguments, done)
    seen = CANCEL.probe(payments.target(), arguments, key="cs-7", before=before)
    assert (seen.happened, seen.after) == (True, done.after)
    payments.ask(f"subscriptions/{subscription}", cancel_at_period_end="false")
    moved = CANCEL.probe(payments.target(), arguments, key="cs-7", before=before)
    assert (moved.happened, moved.after) == (True, None)  # somebody has let it go on since: there is nothing to undo
    payments.ask(f"subscriptions/{subscription}", cancel_at_period_end="true")
    undo = CANCEL.undo(arguments, before, done.after)
    back, _ = carry_out(CANCEL, payments.target(), undo, "cs-8")
    assert back.after == before
    assert payments.ask(f"subscriptions/{subscription}")["cancel_at_period_end"] is False
    assert CANCEL.undo(undo, before, before) is None


def test_another_customers_subscription_or_an_ended_one_is_refused(payments, maria):
    subscription = payments.subscription(maria)
    arguments = {"subscription": subscription, "customer": payments.customer("b@example.com"), "cancel": True}
    with pytest.raises(Refused, match="not of the customer"):
        CANCEL.before(payments.target(), arguments)
    with pytest.raises(Refused, match="no such subscription"):
        CANCEL.before(payments.target(), {**arguments, "subscription": "sub_none"})


def test_notes_on_a_customer_are_set_removed_and_put_back(payments):
    customer = payments.customer(**{"metadata[tier]": "gold", "metadata[own]": "untouched"})
    target = payments.target(keys=["tier", "vip"])
    arguments = {"customer": customer, "metadata": {"tier": None, "vip": "yes"}}
    done, before = carry_out(NOTES, target, arguments, "cs-9")
    assert before["metadata"] == {"tier": "gold", "vip": None}
    assert (
        done.after
        == {"customer": customer, "metadata": {"tier": None, "vip": "yes"}}
        == NOTES.predict(arguments, before)
    )
    undo = NOTES.undo(arguments, before, done.after)
    back, _ = carry_out(NOTES, target, undo, "cs-10")
    assert back.after == before
    found = rows(CUSTOMER, payments.target(), customer=customer)[0]["metadata"]
    assert found == {"own": "untouched", "tier": "gold"}
    assert NOTES.undo(undo, before, before) is None


def test_notes_that_moved_go_back_to_people(payments, maria):
    target = payments.target(keys=["tier"])
    arguments = {"customer": maria, "metadata": {"tier": "gold"}}
    before = NOTES.before(target, arguments)
    payments.ask(f"customers/{maria}", **{"metadata[tier]": "silver"})
    with pytest.raises(Drifted) as drifted:
        NOTES.execute(target, arguments, key="cs-11", before=before)
    assert drifted.value.found["metadata"] == {"tier": "silver"}
    assert NOTES.probe(target, arguments, key="cs-11", before=before).happened is None
    assert (
        NOTES.probe(target, arguments, key="cs-11", before={"customer": maria, "metadata": {"tier": "silver"}}).happened
        is False
    )


@pytest.mark.parametrize("keys", [None, [], [TAG], ["a[b]"], ["x" * 41], [1]], ids=str)
def test_unusable_keys_of_notes_are_refused(keys):
    with pytest.raises(Refused, match="correct the tool"):
        NOTES.schema({"keys": keys})


@pytest.mark.parametrize(
    ("base_url", "sentence"),
    [
        ("http://payments.example", "over TLS only"),
        ("https://api.stripe.com/v1", "a host name"),
        ("https://user:pass@api.stripe.com", "a host name"),
        ("ftp://api.stripe.com", "a host name"),
        ("https://api.stripe.com:port", "not an address"),
    ],
)
def test_a_key_goes_to_a_plain_address_and_over_tls_only(base_url, sentence):
    with pytest.raises(Refused, match=sentence):
        StripeConnector().check(Target({"base_url": base_url}, {"api_key": API_KEY}, {}, 1.0))


def test_an_address_inside_our_network_is_not_contacted(payments, settings):
    settings.OUTBOUND_ALLOWED = []
    with pytest.raises(Refused, match="inside our own network"):
        StripeConnector().check(payments.target())


def test_nothing_listening_is_not_sent(payments, settings):
    settings.OUTBOUND_ALLOWED = ["127.0.0.1:9"]
    with pytest.raises(NotSent):
        StripeConnector().check(payments.target(port=9))


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [(1250, "eur", "EUR 12.50"), (5, "usd", "USD 0.05"), (1250, "jpy", "JPY 1250"), (1250, "kwd", "KWD 1.250"),
     (100, "isk", "ISK 1.00")],
)  # fmt: skip
def test_amounts_are_written_as_people_do(amount, currency, words):
    assert spoken(amount, currency) == words
