"""What the demo's payment system holds at the start: the CRM's customers, what they paid, and what they subscribed to.

Amounts are whole numbers of the currency's smallest unit: what an order costs in the CRM is that many hundredths, or
that many yen. Some charges have been given back already, wholly or in part, so that not every refund is possible.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from config.demo.customers import CUSTOMERS, ORDERS

OTHERWISE: Final = "eur"
CURRENCIES: Final = {".jp": "jpy", ".kr": "krw", ".uk": "gbp", ".com": "usd", ".se": "sek", ".pl": "pln"}
"""The currency that a customer pays in, by the end of their address."""
GIVEN_BACK_EVERY: Final = 2
PLAN: Final = ("Support plan", 900)
SUBSCRIBERS: Final = frozenset({"silver", "gold"})


@dataclass(frozen=True, slots=True)
class Account:
    """One customer, by their name and address in the CRM."""

    number: int
    name: str
    email: str
    currency: str
    subscribes: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """One charge of a customer, and what of it was given back."""

    customer: int
    amount: int
    refunded: int
    description: str
    at: int


def accounts() -> Iterator[Account]:
    """Yield the customers of the CRM."""
    for number, name, email, tier, _address, _note, _balance in CUSTOMERS:
        yield Account(number, name, email, currency_of(email), tier in SUBSCRIBERS)


def payments() -> Iterator[Payment]:
    """Yield what was paid for each order; of what was returned, one in two was given back wholly, the other half."""
    returned = 0
    for number, customer, ordered_on, item, total, status in ORDERS:
        amount, refunded = int(total * 100), 0
        if status == "returned":
            returned += 1
            refunded = amount if returned % GIVEN_BACK_EVERY else amount // 2
        yield Payment(customer, amount, refunded, f"Order {number}: {item}", _noon(ordered_on))


def currency_of(email: str) -> str:
    """Return what a customer with this address pays in."""
    return next((currency for ending, currency in CURRENCIES.items() if email.endswith(ending)), OTHERWISE)


def _noon(day: date) -> int:
    return int(datetime.combine(day, time(12), UTC).timestamp())
