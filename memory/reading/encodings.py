"""From bytes to text: what the bytes say of themselves, UTF-8, what the document declares, then the best guess."""

import codecs
from typing import Final

from charset_normalizer import from_bytes

from memory.reading.shapes import Unreadable

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HINT: Final = "Save it as UTF-8 and send it again."


def decode(data: bytes, declared: str = "") -> str:
    """Return the text with line ends as ``\\n``; raise :class:`Unreadable` for what is no text in a known encoding."""
    known = decode_known(data, declared)
    return _guessed(data) if known is None else known


def decode_known(data: bytes, declared: str = "") -> str | None:
    """Return the text where its encoding need not be guessed, which takes long for much text; else None."""
    marked = next((name for mark, name in MARKS if data.startswith(mark)), "")
    for name in (marked, "utf-8", declared):
        try:
            if name:
                return _text(data.decode(name))
        except (UnicodeError, LookupError):
            continue
    return None


def _guessed(data: bytes) -> str:
    guess = from_bytes(data).best()
    if guess is None:
        raise Unreadable("The document is in no encoding that is known here.", HINT)
    return _text(str(guess))


def _text(text: str) -> str:
    if "\x00" in text:
        raise Unreadable("The document holds the character NUL: it is not text, or not in the encoding it seems.", HINT)
    return text.replace("\r\n", "\n").replace("\r", "\n")
