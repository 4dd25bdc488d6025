"""PDF: the text of each page, which is its heading; a document made to overwhelm its reader is refused."""

import logging
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

from memory.reading.shapes import Heading, Limits, Reading, Unreadable, check_length

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it would tell of every oddity of somebody else's file

BOMB = Unreadable("The PDF unpacks to far more than it shows: it is not read.", "Send the text itself, or a plain PDF.")
BROKEN = Unreadable("The PDF cannot be read: it is broken or no PDF.", "Open it, export it again, and send that.")


def read_pdf(data: bytes, limits: Limits) -> Reading:
    """Return the text, each page under the heading ``Page n``; raise :class:`Unreadable` with a sentence."""
    try:
        return _read(data, limits)
    except LimitReachedError as error:
        raise BOMB from error
    except Unreadable:
        raise
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError) as error:
        raise BROKEN from error


def _read(data: bytes, limits: Limits) -> Reading:
    reader = PdfReader(BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("The PDF is encrypted.", "Save it without a password, and send that.")
    count = len(reader.pages)
    if count > limits.pages:
        raise Unreadable(f"The PDF has more than {limits.pages:,} pages.", "Split it, and send the parts.")
    text, headings = "", []
    for number, page in enumerate(reader.pages, 1):
        found = page.extract_text().replace("\x00", "\ufffd").encode("utf-8", "replace").decode().strip()
        if found:
            start = len(text) + (2 if text else 0)
            text = f"{text}\n\n{found}" if text else found
            headings.append(Heading(start, start, 1, f"Page {number}"))
        check_length(text, limits)
    if not text:
        raise Unreadable("The PDF holds no text: its pages are pictures.", "Run text recognition, and send the result.")
    return Reading(text, headings)
