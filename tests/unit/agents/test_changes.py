"""What the pages of runs say of two images."""

from agents.console.changes import changed_fields

BEFORE = {"charge": "ch_1", "currency": "eur", "amount": 5000, "amount_refunded": 0, "remaining": 5000}


def text(side):
    return "".join(part.text for part in side)


def test_only_what_differs_is_shown_and_money_as_people_write_it():
    found = changed_fields(BEFORE, BEFORE | {"amount_refunded": 1250, "remaining": 3750})
    assert [(one.field, text(one.before), text(one.after)) for one in found] == [
        ("amount_refunded", "EUR 0.00", "EUR 12.50"),
        ("remaining", "EUR 50.00", "EUR 37.50"),
    ]
    assert changed_fields(BEFORE, BEFORE) == []
