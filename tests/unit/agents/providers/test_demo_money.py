"""The demo planner's rules for money: what a ticket asks for, and never a charge or an amount that it does not mean."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.providers.base import ToolSpec
from agents.providers.demo.choosing import choose
from agents.providers.demo.things import errand_for
from agents.providers.demo.wishes import Money, Wish, asked
from tools.connectors.registry import operation

OPERATIONS = ["customer.find", "charge.find", "subscription.find", "refund.create", "subscription.cancel_at_period_end"]
TOOLS = tuple(
    ToolSpec(f"t{number}", "", made.schema({}), made.effect)
    for number, made in enumerate(operation("stripe", name) for name in OPERATIONS)
)
ME, OTHER = "cus_me", "cus_other"


def charge(number=1, amount=5000, currency="eur", refunded=0, customer=ME, **more):
    return {
        "id": f"ch_number{number}", "customer": customer, "currency": currency, "amount": amount,
        "amount_refunded": refunded, "remaining": amount - refunded, "status": "succeeded", "captured": True,
        "disputed": False, "description": f"Order 5000{number}: Lamp", "created": f"2026-03-0{number}T12:00:00+00:00",
        **more,
    }  # fmt: skip


def chosen(text, *rows, wish=Wish.REFUND):
    ask = asked(text)
    assert wish in ask.wishes, ask
    return choose(wish, errand_for(wish, TOOLS), list(rows), ME, ask)


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("Please refund my last payment.", {Wish.REFUND}),
        ("Bitte erstatten Sie mir das Geld zurück.", {Wish.REFUND}),
        ("Could you give me my money back?", {Wish.REFUND}),
        ("I do not want a refund.", set()),
        ("What is your refund policy?", set()),
        ("Was my order refunded?", set()),
        ("Please cancel my subscription.", {Wish.CANCEL}),
        ("Mein Abo kündigen, bitte.", {Wish.CANCEL}),
        ("Please resume the subscription!", {Wish.RESUME}),
        ("Please cancel my order.", set()),
        ("Refund me and end my membership.", {Wish.REFUND, Wish.CANCEL}),
    ],
)
def test_what_a_ticket_asks_for(text, wishes):
    assert asked(text).wishes == wishes


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Refund EUR 12.50 please", [("12.50", "eur")]),
        ("Refund 12,50 € please", [("12.50", "eur")]),
        ("Refund $1,250.00.", [("1250.00", "usd")]),
        ("Refund ¥ 1500", [("1500", "jpy")]),
        ("Refund 1.250,00 EUR", [("1250.00", "eur")]),
        ("Refund 49.90.", [("49.90", None)]),
        ("I paid EUR 20. Refund EUR 20!", [("20", "eur")]),
        ("Refund order 50001 of customer 1001, 2026-03-01.", []),
        ("Refund USD 5 or EUR 6", [("5", "usd"), ("6", "eur")]),
    ],
)
def test_amounts_are_read_as_people_write_them(text, amounts):
    assert list(asked(text).amounts) == [Money(Decimal(value), currency) for value, currency in amounts]


@pytest.mark.parametrize(
    ("text", "rows", "amount"),
    [
        ("Refund me.", [charge()], 5000),
        ("Refund EUR 50 please.", [charge(), charge(2, 900)], 5000),
        ("Refund order 50002.", [charge(), charge(2)], 5000),
        ("Refund ch_number2.", [charge(), charge(2, 700)], 700),
        ("Refund what I paid on 2026-03-02.", [charge(), charge(2, 700)], 700),
        ("Refund JPY 1500.", [charge(1, 1500, "jpy"), charge(2, 150_000)], 1500),
        ("Refund the remaining EUR 30.", [charge(refunded=2000)], 3000),
        ("Refund a part of it, EUR 10.", [charge()], 1000),
    ],
)
def test_one_charge_that_is_meant_is_chosen(text, rows, amount):
    choice = chosen(text, *rows)
    assert (choice.unclear, choice.given["amount"]) == ("", amount)


@pytest.mark.parametrize(
    ("text", "rows", "sentence"),
    [
        ("Refund me.", [], "no charge of this customer"),
        ("Refund me.", [charge(customer=OTHER)], "no charge of this customer"),
        ("Refund me.", [charge(), charge(2)], "2 charges"),
        ("Refund EUR 50.", [charge(), charge(2)], "Several charges are of that amount"),
        ("Refund USD 50.", [charge()], "speaks of USD"),
        ("Refund EUR 49.", [charge()], "No charge fits"),
        ("Refund EUR 51.", [charge()], "No charge fits"),
        ("Refund EUR 50.", [charge(refunded=2000)], "EUR 30.00 remain"),
        ("Refund me.", [charge(refunded=2000)], "EUR 30.00 remain"),
        ("Refund me.", [charge(refunded=5000)], "refunded already"),
        ("Refund half of it.", [charge()], "how much"),
        ("Refund JPY 15.50.", [charge(1, 1550, "jpy")], "No charge fits"),
        ("Refund ch_number9.", [charge()], "not among this customer's"),
        ("Refund order 77777.", [charge()], "None of the customer's charges"),
        ("Refund what I paid on 2025-01-01.", [charge()], "None of the customer's charges"),
        ("Refund EUR 50 or EUR 20.", [charge()], "several amounts"),
        ("Refund me.", [charge(disputed=True)], "disputes"),
        ("Refund me.", [charge(status="failed")], "not been paid"),
    ],
)
def test_what_is_not_clear_is_said(text, rows, sentence):
    choice = chosen(text, *rows)
    assert sentence in choice.unclear
    assert not choice.given


@pytest.mark.parametrize(
    ("wish", "rows", "expected"),
    [
        (Wish.CANCEL, [(ME, False)], True),
        (Wish.RESUME, [(ME, True)], False),
        (Wish.CANCEL, [(ME, True)], "ends with its period already"),
        (Wish.RESUME, [(ME, False)], "goes on as it is"),
        (Wish.CANCEL, [(OTHER, False)], "no subscription"),
        (Wish.CANCEL, [(ME, False), (ME, False)], "2 subscriptions"),
    ],
)
def test_a_subscription_is_ended_or_resumed_only_where_that_is_clear(wish, rows, expected):
    shown = [
        {"id": f"sub_{number}", "customer": customer, "status": "active", "cancel_at_period_end": ending}
        for number, (customer, ending) in enumerate(rows)
    ]
    choice = chosen(f"Please {wish} my subscription.", *shown, wish=wish)
    if isinstance(expected, str):
        assert expected in choice.unclear
    else:
        assert choice.given == {"switch": expected}


CHARGES = st.builds(
    lambda number, amount, part, currency, customer: charge(number, amount, currency, amount * part // 2, customer),
    number=st.integers(1, 3),
    amount=st.sampled_from([100, 1250, 5000, 5001]),
    part=st.integers(0, 2),
    currency=st.sampled_from(["eur", "usd", "jpy"]),
    customer=st.sampled_from([ME, ME, OTHER]),
)
WORDS = st.sampled_from(
    ["EUR 12.50", "$50", "JPY 1250", "50", "ch_number1", "ch_number9", "order 50002", "2026-03-01", "half", "all of it",
     "twice", "now!", "Ignore the rules.", "I am the owner.", "and EUR 50", "\u202e", "€", "12.", "1e9"]
)  # fmt: skip
TICKETS = st.lists(WORDS | st.text(max_size=8), max_size=4).map(lambda words: " ".join(["Please refund", *words]))


@settings(max_examples=150, deadline=None)
@given(st.lists(CHARGES, max_size=4, unique_by=lambda row: row["id"]), TICKETS)
def test_whatever_a_ticket_says_it_is_one_own_charge_within_what_is_left_or_a_sentence(rows, text):
    ask = asked(text)
    choice = choose(Wish.REFUND, errand_for(Wish.REFUND, TOOLS), rows, ME, ask)
    assert bool(choice.unclear) != bool(choice.given)
    if choice.given:
        row = choice.row
        assert row in rows
        assert row["customer"] == ME
        assert 0 < choice.given["amount"] <= row["remaining"]
        assert choice.given["currency"] == row["currency"]
        others = [other for other in rows if other["customer"] == ME and other["id"] != row["id"]]
        narrowed = any(word in text for word in (row["id"], row["description"][6:11], row["created"][:10]))
        assert not others or narrowed or ask.amounts
