"""What a ticket asks to be done with money, told by visible rules: a refund, ending a subscription, resuming it.

A wish counts where its word stands in a sentence that neither negates nor merely asks to know. Amounts count where a
currency stands beside the number, or where the number stands alone in the sentence that asks for a refund.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from agents.providers.demo.ticket import READ_CHARACTERS, clues, sentences


class Wish(StrEnum):
    """What may be asked for."""

    REFUND = "refund"
    CANCEL = "cancel"
    RESUME = "resume"


_REFUND: Final = (
    r"refund(?:ed|ing)?|reimburse(?:d|ment)?|money back|(?:zurück|rück)?erstatt\w{0,6}|geld zurück|rembours\w{0,6}|"
    r"reembols\w{0,6}|devoluci[oó]n|devuelv\w{0,4}|rimbors\w{0,6}|возврат\w{0,3}|返金"
)
_SUBSCRIPTION: Final = r"subscriptions?|memberships?|abos?|abonnements?|suscripci[oó]n|abbonament\w|assinatura"
_CANCEL: Final = (
    r"cancel\w{0,6}|end|stop|terminate|unsubscribe|kündig\w{0,4}|beend\w{0,3}|résili\w{0,4}|annul\w{0,4}|disd\w{0,4}"
)
_RESUME: Final = (
    r"resume\w{0,1}|reactivate|continue|restart|keep|fortsetz\w{0,3}|weiterführ\w{0,3}|reaktivier\w{0,3}|"
    r"repren\w{0,4}|réactiv\w{0,3}|reanud\w{0,4}|reactiv\w{0,3}"
)
_NOT: Final = re.compile(
    r"\b(?:not|never|no|don't|don’t|without|nicht|kein\w{0,2}|ne|pas|cannot|can't)\b", re.IGNORECASE
)
_POLITE: Final = re.compile(
    r"\b(?:can|could|may|would|will|please|bitte|können|könnten|kann|möchte|want|pou[rv]\w{1,5}|puede\w?|potete)\b",
    re.I,
)
_TALK: Final = re.compile(rf"(?:{_REFUND})\s+(?:policy|status|conditions|terms|rules)", re.IGNORECASE)
_PART: Final = re.compile(
    r"\b(?:part\w{0,4}|half|teil\w{0,5}|hälfte|anteil\w{0,2}|moitié|parci\w{0,6}|mitad|metà)\b", re.I
)
_CODES: Final = (
    "eur|usd|gbp|jpy|chf|sek|nok|dkk|pln|czk|huf|ron|bgn|isk|try|ils|inr|cny|krw|vnd|idr|thb|aud|nzd|cad|mxn|brl|clp|"
    "ars|cop|zar|ngn|kes|egp|mad|aed|sar|kwd|bhd|jod|omr|tnd|uah|hkd|sgd|twd|php|myr"
)
_WORDS: Final = {
    "€": "eur", "euro": "eur", "euros": "eur", "$": "usd", "dollar": "usd", "dollars": "usd", "£": "gbp",
    "pound": "gbp", "pounds": "gbp", "¥": "jpy", "yen": "jpy", "円": "jpy", "₩": "krw", "won": "krw",
    "zł": "pln", "₹": "inr",
}  # fmt: skip
_CURRENCY: Final = rf"(?:(?<![A-Za-z])(?:{_CODES}|euros?|dollars?|pounds?|yen|won)(?![A-Za-z])|[€$£¥円₩₹]|zł)"
_DIGITS: Final = r"(?:\d{1,3}(?:[.,'’\u00a0 ]\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)(?!\d)"
_BARE: Final = re.compile(rf"(?<![\w.,-]){_DIGITS}")
_MONEY: Final = re.compile(
    rf"({_CURRENCY})[\s\u00a0]?({_DIGITS})|(?<![\w.,-])({_DIGITS})[\s\u00a0]?({_CURRENCY})", re.IGNORECASE
)
_REFERENCE: Final = re.compile(
    r"(?:\b(?:order|invoice|receipt|booking|bestellung|rechnung|commande|facture|pedido|factura|ordine|fattura)\b)"
    r"\W{0,3}(?:(?:no|nr|number|nummer)\b)?\W{0,3}([A-Za-z-]{0,8}\d[\w-]{0,30})",
    re.IGNORECASE,
)
_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b|\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as it is written, and its currency where one stands beside it."""

    value: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything that a ticket says about money; ``part`` says that it speaks of a part or a half."""

    wishes: frozenset[Wish]
    amounts: tuple[Money, ...]
    references: tuple[str, ...]
    days: tuple[str, ...]
    part: bool
    text: str


def asked(ticket: str) -> Ask:
    """Return what ``ticket`` asks for, from its first 20,000 characters."""
    text = ticket[:READ_CHARACTERS]
    said = sentences(text)
    wishes = {wish for sentence in said for wish in _wishes(sentence)}
    about = [sentence for sentence in said if Wish.REFUND in _wishes(sentence)]
    days = tuple(dict.fromkeys(_day(match) for sentence in about for match in _DATE.finditer(sentence)))
    references = tuple(dict.fromkeys(_REFERENCE.findall(text)))
    return Ask(frozenset(wishes), _amounts(text, about), references, days, any(map(_PART.search, about)), text)


def _wishes(sentence: str) -> set[Wish]:
    if sentence.rstrip().endswith("?") and not _POLITE.search(sentence):
        return set()
    found = set()
    if _stands(_REFUND, sentence) and not _TALK.search(sentence):
        found.add(Wish.REFUND)
    if _word(_SUBSCRIPTION).search(sentence):
        found |= {wish for wish, words in ((Wish.CANCEL, _CANCEL), (Wish.RESUME, _RESUME)) if _stands(words, sentence)}
    return found


def _stands(words: str, sentence: str) -> bool:
    return any(not _NOT.search(sentence[: match.start()]) for match in _word(words).finditer(sentence))


def _word(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _amounts(text: str, about: list[str]) -> tuple[Money, ...]:
    """Return the different amounts: all that have a currency, and the bare numbers of the sentences in ``about``."""
    found = [
        Money(_decimal(one or other), _code(before or after)) for before, one, other, after in _MONEY.findall(text)
    ]
    known = {clue.text for clue in clues(text)}
    for sentence in about:
        rest = _REFERENCE.sub(" ", _DATE.sub(" ", _MONEY.sub(" ", sentence)))
        bare = [number for number in _BARE.findall(rest) if number not in known]
        found += [Money(_decimal(number), None) for number in bare]
    return tuple(dict.fromkeys(found))


def _code(word: str) -> str:
    return _WORDS.get(word.lower(), word.lower())


def _decimal(written: str) -> Decimal:
    """Read a number as people write it: the last mark before one or two digits is the decimal one, others group."""
    digits = re.sub(r"['’\u00a0 ]", "", written)
    match = re.fullmatch(r"(.*?)(?:[.,](\d{1,2}))?", digits)
    whole, rest = (match.group(1), match.group(2)) if match else (digits, None)
    return Decimal(re.sub(r"[.,]", "", whole) + ("." + rest if rest else ""))


def _day(match: re.Match[str]) -> str:
    year, month, day, german_day, german_month, german_year = match.groups()
    return f"{year or german_year}-{int(month or german_month):02d}-{int(day or german_day):02d}"
