"""What a ticket asks to be changed, told by visible rules.

A choice (such as a level) counts where one of its values stands near the argument's name or after a word for changing.
A free text (such as a postal address) counts where the argument's name is followed by *to*, *is*, a colon or a quote.
Whatever is ambiguous or negated counts as not asked.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from agents.providers.base import ToolSpec
from agents.providers.demo.preferences import remembers
from agents.providers.demo.records import value_for
from agents.providers.demo.shapes import Leaf, Row, is_id, is_mail, leaves, nest
from agents.providers.demo.ticket import READ_CHARACTERS
from tools.states import Effect

MAX_VALUE: Final = 500
_NEAR: Final = 60
_OTHER_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "address": ("adresse", "anschrift", "dirección", "direccion", "indirizzo", "endereço"),
    "note": ("notiz", "nota", "remarque"),
    "phone": ("telephone", "telefon", "teléfono", "téléphone", "telefono"),
    "name": ("nom", "nombre", "nome"),
    "tier": ("level", "plan", "stufe", "tarif", "nivel", "niveau"),
}
_CHANGE: Final = re.compile(
    r"\b(?:upgrade|downgrade|change|switch|move|set|raise|lower|make|hochstufen|herabstufen|wechsel\w{0,3}|änder\w{0,3}|"
    r"stuf\w{0,3}|setz\w{0,3}|passe[rz]?|change[rz]|cambi\w{0,4}|subir?|pasar?)\b",
    re.IGNORECASE,
)
_TOWARDS: Final = re.compile(
    r"(?:\b(?:to|into|auf|zu|zum|in|à|au|a|al|is|be)\b(?: the| den| das| le| la)?|[:=→]|->)\s{0,3}[\"“„«']?\Z", re.I
)
_NOT: Final = re.compile(r"\b(?:not|never|don't|don’t|without|nicht|kein\w{0,2}|ne|pas|no)\b", re.IGNORECASE)
_NEW: Final = re.compile(r"\b(?:new|neue\w?|nouve\w{1,4}|nuev[oa]|nuov[oa])\s{1,3}\Z", re.IGNORECASE)
_FIRM_LINK: Final = r"\s{0,3}(?:has changed|changed|is now|now)?\s{0,3}(?:\b(?:to|auf|à)\b|(?<=is now)|[:=])[ \t:]{0,3}"
_LOOSE_LINK: Final = r"\s{0,3}\b(?:is|lautet|ist|est|es)\b[ \t:]{0,3}"
_QUOTED: Final = r"[\"“„«]([^\"”“»\n]{1,500})[\"”“»]"
_PLAIN: Final = r"([^\s\"“„«.;][^\n\"“„«;]{0,499}?)(?=\.?\s*(?:\n|\Z|;|\.\s))"
_COURTESY: Final = re.compile(
    r",?\s+(?:please|bitte|thanks|thank you|danke|merci|gracias|por favor)\b.*\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Update:
    """One call that changes one customer's record, and the names of what it changes."""

    tool: ToolSpec
    arguments: dict[str, Any]
    changed: tuple[str, ...]


def updates(tools: tuple[ToolSpec, ...], ticket: str, row: Row) -> list[Update]:
    """Return the calls that make the changes which ``ticket`` asks for; each change once."""
    found: list[Update] = []
    taken: set[str] = set()
    for tool in tools:
        if tool.effect == Effect.REVERSIBLE and not remembers(tool):
            update = _update(tool, ticket[:READ_CHARACTERS], row, taken)
            if update is not None:
                found.append(update)
                taken |= set(update.changed)
    return found


def _update(tool: ToolSpec, ticket: str, row: Row, taken: set[str]) -> Update | None:
    found = leaves(tool)
    keys = _keys(found)
    wanted = {leaf: asked(leaf, ticket, row) for leaf in found if leaf not in keys and leaf.name not in taken}
    changes = [(leaf, value) for leaf, value in wanted.items() if value is not None]
    changing = {leaf for leaf, _ in changes}
    kept = [(leaf, value_for(row, leaf.name)) for leaf in found if leaf.required and leaf not in changing]
    if not keys or not changes or not all(leaf.holds(value) for leaf, value in kept):
        return None
    return Update(tool, nest([*kept, *changes]), tuple(leaf.name for leaf, _ in changes))


def _keys(found: list[Leaf]) -> list[Leaf]:
    """Return the arguments that say whose record it is: required ids, or else the required address."""
    needed = [leaf for leaf in found if leaf.required]
    return [leaf for leaf in needed if is_id(leaf.name)] or [leaf for leaf in needed if is_mail(leaf.name)]


def asked(leaf: Leaf, ticket: str, row: Row) -> str | None:
    """Return the value that ``ticket`` asks for at ``leaf``, or None; what is on record already is not asked for."""
    if is_id(leaf.name):
        return None
    value = _choice(leaf, ticket, row) if leaf.choices else _free_text(leaf, ticket)
    return None if value is None or value == value_for(row, leaf.name) else value


def _choice(leaf: Leaf, ticket: str, row: Row) -> str | None:
    near = [hit for value in leaf.choices for hit in _mentions(value, leaf, ticket)]
    firm = {value for value, towards in near if towards}
    values = firm or {value for value, _ in near} - {value_for(row, leaf.name)}
    return values.pop() if len(values) == 1 else None


def _mentions(value: str, leaf: Leaf, ticket: str) -> list[tuple[str, bool]]:
    """Return ``value`` for each place where it is asked for, and whether a *to* or the like points at it."""
    found = []
    for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", ticket, re.IGNORECASE):
        before = _same_sentence_before(match.start(), ticket)
        after, *ends = re.split(r"([.!?\n])", ticket[match.end() : match.end() + _NEAR])
        named = any(_has_word(word, before) or _has_word(word, after) for word in _words(leaf))
        changing = _CHANGE.search(before) is not None
        asks = named and ends[:1] == ["?"]  # "what is the gold plan?" asks to know, "could you set it to gold?" to do
        if (changing or (named and not asks)) and not _NOT.search(before):
            found.append((value, bool(_TOWARDS.search(before))))
    return found


def _same_sentence_before(position: int, ticket: str) -> str:
    return re.split(r"[.!?\n]", ticket[max(position - _NEAR, 0) : position])[-1]


def _free_text(leaf: Leaf, ticket: str) -> str | None:
    if not leaf.takes("string"):
        return None
    for word in _words(leaf):
        for link, shape, only_new in (
            (f"(?:{_FIRM_LINK}|{_LOOSE_LINK})", _QUOTED, False),
            (_FIRM_LINK, _PLAIN, False),
            (_LOOSE_LINK, _PLAIN, True),
        ):
            for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w){link}{shape}", ticket, re.IGNORECASE):
                before = _same_sentence_before(match.start(), ticket)
                value = _COURTESY.sub("", match.group(1)).strip(" \t.,;'")
                allowed = not _NOT.search(before) and (not only_new or _NEW.search(before))
                if value and allowed and leaf.accepts(value):
                    return value[:MAX_VALUE]
    return None


def _words(leaf: Leaf) -> tuple[str, ...]:
    """Return the words for an argument: its name, its last word, and what other languages call it."""
    plain = leaf.name.lower().replace("_", " ").replace("-", " ").strip()
    last = plain.rsplit(" ", 1)[-1]
    mail = ("e-mail", "email", "e-mail address", "email address") if is_mail(leaf.name) else ()
    return tuple(dict.fromkeys(word for word in (plain, last, *_OTHER_WORDS.get(last, ()), *mail) if word))


def _has_word(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None
