"""The one way from what was sent to what is kept."""

from memory.reading.apart import read_apart
from memory.reading.encodings import decode_known
from memory.reading.shapes import PLAIN, Limits, Reading, Unreadable, check_length


def read_document(data: bytes, media_type: str, limits: Limits) -> Reading:
    """Return text and headings; raise :class:`Unreadable` with a sentence for what gives no text within the limits."""
    text = decode_known(data) if media_type == PLAIN else None
    reading = read_apart(data, media_type, limits) if text is None else Reading(check_length(text, limits))
    if not reading.text.strip():
        raise Unreadable("The document holds no text.", "Send one that does.")
    return reading
