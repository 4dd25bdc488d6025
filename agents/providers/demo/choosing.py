"""Which of a customer's charges or subscriptions a ticket means, and how much of it: one answer, or a sentence.

Nothing is guessed. Whatever fits two, or none, or has changed since, is said and left to a person.
"""

from dataclasses import dataclass
from typing import Any, Final

from agents.providers.demo.things import Errand
from agents.providers.demo.wishes import Ask, Money, Wish
from tools.amounts import smallest_units, spoken

ENDED: Final = frozenset({"canceled", "cancelled", "incomplete_expired", "ended", "expired"})
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """The row that is meant with the rest of the arguments, or ``unclear``: why there is none."""

    row: dict[str, Any]
    given: dict[str, Any]
    unclear: str = ""


def choose(wish: Wish, errand: Errand, rows: list[dict[str, Any]], owner: str, ask: Ask) -> Choice:
    """Return what to do with which of ``rows``; only what is the ``owner``'s counts."""
    mine = [row for row in rows if row.get(errand.owner.name) == owner and isinstance(row.get("id"), str)]
    return _refund(mine, errand, ask) if wish == Wish.REFUND else _switch(wish, mine, errand, ask)


def _unclear(sentence: str) -> Choice:
    return Choice({}, {}, sentence)


def _switch(wish: Wish, mine: list[dict[str, Any]], errand: Errand, ask: Ask) -> Choice:
    named = errand.things_named(ask.text)
    live = [row for row in mine if row.get("status") not in ENDED and (not named or row["id"] in named)]
    if not live:
        return _unclear("The customer has no subscription that goes on" + (" under that id." if named else "."))
    if len(live) > 1:
        return _unclear(f"The customer has {len(live)} subscriptions, and the ticket does not say which is meant.")
    wanted, name = wish == Wish.CANCEL, errand.rest["switch"].name
    state = next((value for key, value in live[0].items() if key.startswith(name) and isinstance(value, bool)), None)
    if state is wanted:
        return _unclear(
            "The subscription ends with its period already." if wanted else "The subscription goes on as it is."
        )
    return Choice(live[0], {"switch": wanted})


def _refund(mine: list[dict[str, Any]], errand: Errand, ask: Ask) -> Choice:
    if not mine:
        return _unclear("The payment system shows no charge of this customer, so there is nothing to refund.")
    if len(ask.amounts) > 1:
        return _unclear("The ticket names several amounts, and it is not clear which is to be refunded.")
    meant, sentence = _meant(mine, errand, ask)
    if sentence:
        return _unclear(sentence)
    possible = [row for row in meant if _can_be_refunded(row)]
    if not possible:
        return _unclear(_why_none(meant))
    if ask.amounts:
        return _by_amount(possible, meant, ask.amounts[0], ask)
    if len(meant) > 1:
        return _unclear(f"The customer has {len(meant)} charges, and the ticket does not say which: {_listed(meant)}.")
    (row,) = possible
    if row["amount_refunded"] or ask.part:
        return _unclear(f"{_state(row)} The ticket does not say how much is to be refunded.")
    return _whole(row, row["remaining"])


def _meant(mine: list[dict[str, Any]], errand: Errand, ask: Ask) -> tuple[list[dict[str, Any]], str]:
    """Narrow the charges to those that the ticket names by id, by order or by day; or say that none is so."""
    meant = mine
    if named := errand.things_named(ask.text):
        meant = [row for row in meant if row["id"] in named]
        if len(meant) != len(named):
            return [], "The ticket names a charge that is not among this customer's, so nothing is refunded."
    for words, fields, what in (
        (ask.references, ("description", "id", "metadata"), "order or invoice"),
        (ask.days, ("created",), "day"),
    ):
        if words:
            meant = [row for row in meant if any(_mentions(row, word, fields) for word in words)]
            if not meant:
                return [], f"None of the customer's charges belongs to the {what} that the ticket names."
    return meant, ""


def _mentions(row: dict[str, Any], word: str, fields: tuple[str, ...]) -> bool:
    said = " ".join(str(row.get(field) or "") for field in fields)
    spaced = "".join(letter if letter.isalnum() or letter in "-_" else " " for letter in said.split("T")[0] if said)
    return word.casefold() in spaced.casefold().split()


def _can_be_refunded(row: dict[str, Any]) -> bool:
    counted = all(type(row.get(name)) is int for name in ("amount", "amount_refunded", "remaining"))
    paid = row.get("status") == "succeeded" and row.get("captured") is not False and not row.get("disputed")
    return counted and paid and row["remaining"] > 0 and isinstance(row.get("currency"), str)


def _by_amount(possible: list[dict[str, Any]], meant: list[dict[str, Any]], amount: Money, ask: Ask) -> Choice:
    fitting = [row for row in possible if amount.currency in (None, row["currency"])]
    if not fitting:
        said = str(amount.currency).upper()
        return _unclear(f"The ticket speaks of {said}, and the customer paid otherwise: {_listed(possible)}.")
    units = {row["id"]: smallest_units(amount.value, row["currency"]) for row in fitting}
    exact = [row for row in fitting if units[row["id"]] == row["remaining"]]
    if len(exact) > 1:
        return _unclear(f"Several charges are of that amount, and it is not clear which is meant: {_listed(exact)}.")
    if len(exact) == 1 and not ask.part:
        return _whole(exact[0], exact[0]["remaining"])
    if ask.part and len(meant) == len(fitting) == 1:
        part = units[fitting[0]["id"]]
        if part is not None and 0 < part < fitting[0]["remaining"]:
            return _whole(fitting[0], part)
    return _unclear(f"No charge fits the amount that the ticket names: {_listed(fitting)}.")


def _whole(row: dict[str, Any], amount: int) -> Choice:
    return Choice(row, {"amount": amount, "currency": row["currency"], "reason": "requested_by_customer"})


def _why_none(meant: list[dict[str, Any]]) -> str:
    if all(row.get("amount") and row.get("amount") == row.get("amount_refunded") for row in meant):
        return "What the ticket speaks of has been refunded already."
    if any(row.get("disputed") for row in meant):
        return "The customer disputes the charge at their bank: it is settled there, not by a refund."
    return "Nothing of what the ticket speaks of can be refunded: it has not been paid, or has been refunded already."


def _listed(rows: list[dict[str, Any]]) -> str:
    words = [_state(row).rstrip(".") for row in rows[:_SHOWN]]
    return "; ".join([*words, f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else words)


def _state(row: dict[str, Any]) -> str:
    if not all(type(row.get(name)) is int for name in ("amount", "remaining")):
        return f"{row['id']}."
    currency, day = str(row.get("currency")), str(row.get("created") or "")[:10]
    left = "" if row["remaining"] == row["amount"] else f", of which {spoken(row['remaining'], currency)} remain"
    return f"{spoken(row['amount'], currency)}{' of ' + day if day else ''}{left}."
