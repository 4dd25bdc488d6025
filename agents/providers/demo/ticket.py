"""What the rules can read in a ticket: addresses, ids and names that may belong to a customer."""

import re
from dataclasses import dataclass
from typing import Final, Literal

READ_CHARACTERS: Final = 20_000
MAX_CLUES: Final = 8

Kind = Literal["email", "id", "name"]

ADDRESS: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w-])")
_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_CODE: Final = re.compile(r"(?<![\w@.-])(?:[A-Z]{1,8}[-_]\d{1,12}|[A-Z]{1,4}\d{2,12})(?![\w@-])")
_NUMBER: Final = re.compile(
    r"(?:\b(?:customer|client|account|kunde|kundennummer|konto|cliente|id|no|nr)\b\.?"
    r"\s{0,3}(?:number|no\.|nr\.|id)?\s{0,3}[:#]?\s{0,3}|#)(\d{1,12})\b",
    re.IGNORECASE,
)
_WORD: Final = r"[^\W\d_][\w'’-]{0,40}"
_QUOTED_NAME: Final = re.compile(rf"[\"“„«‘']\s?({_WORD}(?: {_WORD}){{1,3}})\s?[\"”“»’']")
_NAMED: Final = re.compile(
    rf"\b(?:my name is|name is|customer|client|ich heiße|mein name ist|kunde|kundin|je m'appelle|me llamo|cliente)"
    rf"[ :]{{1,3}}({_WORD}(?: {_WORD}){{1,2}})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clue:
    """Something in the ticket that may identify a customer."""

    kind: Kind
    text: str


def clues(ticket: str) -> list[Clue]:
    """Return what may identify a customer in the first 20,000 characters, addresses first, each once, eight at most."""
    text = ticket[:READ_CHARACTERS]
    found = [Clue("email", match.strip(".")) for match in ADDRESS.findall(text)]
    for pattern in (_UUID, _CODE, _NUMBER):
        found += [Clue("id", match) for match in pattern.findall(text)]
    for pattern in (_QUOTED_NAME, _NAMED):
        found += [Clue("name", match) for match in pattern.findall(text) if _is_capitalised(match)]
    return list({(clue.kind, clue.text.casefold()): clue for clue in found}.values())[:MAX_CLUES]


def sentences(ticket: str) -> list[str]:
    """Return the sentences and lines of the first 20,000 characters that hold anything."""
    return [part for part in re.split(r"(?<=[.!?？。])\s+|\n", ticket[:READ_CHARACTERS]) if part.strip()]


def is_address(value: object) -> bool:
    """Return whether ``value`` is one e-mail address and nothing else."""
    return isinstance(value, str) and ADDRESS.fullmatch(value) is not None


def _is_capitalised(name: str) -> bool:
    return all(word[:1].isupper() or not word[:1].islower() for word in name.split())
