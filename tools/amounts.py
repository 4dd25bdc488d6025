"""Amounts of money as payment systems count them: whole numbers of the currency's smallest unit.

1250 is EUR 12.50 and is JPY 1250. See https://docs.stripe.com/currencies.
"""

from decimal import Decimal
from typing import Final

# ISK and UGX have no decimals any more, but keep two in Stripe's amounts.
_WITHOUT_DECIMALS: Final = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
_WITH_THREE: Final = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def decimals_of(currency: str) -> int:
    """Return how many decimals people write of a currency, given as its code in small letters."""
    return 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _WITH_THREE else 2


def spoken(amount: int, currency: str) -> str:
    """Return an amount of smallest units as people write it: ``EUR 12.50``, ``JPY 1250``."""
    decimals = decimals_of(currency)
    whole, rest = divmod(amount, 10**decimals)
    return f"{currency.upper()} {whole}.{rest:0{decimals}d}" if decimals else f"{currency.upper()} {whole}"


def smallest_units(written: Decimal, currency: str) -> int | None:
    """Return an amount that somebody wrote in smallest units; None where the currency has no such coin."""
    units = written.scaleb(decimals_of(currency))
    return int(units) if units == units.to_integral_value() else None
