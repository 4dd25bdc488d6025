"""Amounts of outside systems in words, for those who decide."""

import pytest

from approvals.amounts import in_words, moved
from approvals.sentences import named

CHARGE = {"charge": "ch_1", "customer": "cus_1", "currency": "eur", "amount": 5000}
BEFORE = {**CHARGE, "amount_refunded": 0, "remaining": 5000}
AFTER = {**BEFORE, "amount_refunded": 1250, "remaining": 3750}
ARGUMENTS = {"charge": "ch_1", "customer": "cus_1", "currency": "eur", "amount": 1250}


def test_a_refund_is_told_by_its_money_first():
    assert named(ARGUMENTS, {}, BEFORE, AFTER) == ("EUR 12.50 of EUR 50.00", ["charge ch_1", "customer cus_1"])


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, AFTER), (BEFORE, None), ({**BEFORE, "currency": "usd"}, AFTER), (BEFORE, BEFORE), (AFTER, BEFORE),
     ({**BEFORE, "remaining": True}, AFTER), ({"tier": "gold"}, {"tier": "silver"})],
)  # fmt: skip
def test_what_moves_no_money_is_told_as_before(before, after):
    assert moved(before, after) == ""


def test_images_show_amounts_of_their_currency_and_nothing_else_so():
    assert in_words({**AFTER, "id": 1250})["id"] == 1250
    assert in_words(AFTER)["amount_refunded"] == "EUR 12.50"
    assert in_words({**AFTER, "currency": "jpy"})["remaining"] == "JPY 3750"
    assert in_words({"amount": 5}) == {"amount": 5}
    assert in_words({"amount": 5, "currency": "€"})["amount"] == 5
    assert in_words(None) is None
