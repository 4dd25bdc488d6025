"""Amounts as people read them: what images of outside systems hold in smallest units, in words with its currency."""

from collections.abc import Mapping
from typing import Any, Final

from tools.amounts import spoken

AMOUNTS: Final = ("amount", "amount_refunded", "remaining")
Json = dict[str, Any]


def currency_of(image: object) -> str:
    """Return the currency that an image or arguments name by its code; empty where they name none."""
    code = image.get("currency") if isinstance(image, Mapping) else None
    return code if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha() else ""


def in_words(image: Any) -> Any:
    """Return ``image`` with its amounts in words where it names their currency; anything else as it is."""
    currency = currency_of(image)
    if not currency:
        return image
    return {name: _said(name, value, currency) for name, value in image.items()}


def moved(before: Any, after: Any) -> str:
    """Return how much goes out of what was there, as "EUR 12.50 of EUR 50.00"; empty where the images do not say."""
    currency = currency_of(before)
    if not currency or currency_of(after) != currency:
        return ""
    whole, was, left = before.get("amount"), before.get("remaining"), after.get("remaining")
    if any(type(value) is not int for value in (whole, was, left)) or was <= left:
        return ""
    return f"{spoken(was - left, currency.lower())} of {spoken(whole, currency.lower())}"


def _said(name: str, value: Any, currency: str) -> Any:
    return spoken(value, currency.lower()) if name in AMOUNTS and type(value) is int and value >= 0 else value
