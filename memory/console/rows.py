"""Documents and passages as the pages show them: states, validity and how something was found, in words."""

import hashlib
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from memory import retrieval
from memory.models import Chunk, Document
from memory.reading.shapes import HTML, MARKDOWN, PDF, PLAIN
from memory.states import DocumentStatus
from workspaces.console.knowledge_shapes import DocumentRow
from workspaces.console.links import document_url, passage_url
from workspaces.console.shapes import Passage

KINDS: Final = {PLAIN: "Text", MARKDOWN: "Markdown", HTML: "HTML", PDF: "PDF"}
WAITING: Final = "It is stored, and not found by searches yet. Index it where that does not happen by itself."
ORDINALS: Final = {1: "first", 2: "second", 3: "third"}


def document_row(document: Document) -> DocumentRow:
    """Return one document as a row."""
    queued = document.status == DocumentStatus.QUEUED
    return DocumentRow(
        title=document.title,
        url=document_url(document.id),
        status=document.status,
        trust=document.trust,
        kind=KINDS.get(document.media_type, document.media_type),
        at=document.created_at,
        holds=holds(document.valid_from, document.valid_until, timezone.now()),
        source=document.source,
        explanation=WAITING if queued else document.explanation,
    )


def holds(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """Say when a document is found, in words; nothing where it always is."""
    if end is not None and end <= now:
        return f"Archived: not found since {_day(end)}"
    if start is not None and start > now:
        return f"Found from {_day(start)} on" + (f", until {_day(end)}" if end else "")
    return f"Found until {_day(end)}" if end else ""


def _day(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M} UTC"


def chunk_passage(document: Document, chunk: Chunk) -> Passage:
    """Return a passage as its own document's page shows it."""
    told = {"source": "", "trust": document.trust, "document": f"Passage {chunk.ordinal + 1}"}
    return _passage(chunk, told, chunk_id=chunk.id, document_id=document.id)


def found_passage(passage: retrieval.Passage) -> Passage:
    """Return a passage that was found, with how."""
    told = {"source": passage.source, "trust": passage.trust, "document": passage.title, "found": how_found(passage)}
    return _passage(passage, told, chunk_id=passage.chunk_id, document_id=passage.document_id)


def _passage(one: Any, told: dict[str, str], *, chunk_id: Any, document_id: Any) -> Passage:
    return Passage(
        **told,
        headings=" › ".join(one.heading_path),
        place=f"characters {one.start:,} to {one.end:,}",
        text=one.text,
        chunk=str(chunk_id),
        digest=hashlib.sha256(one.text.encode()).hexdigest(),
        url=passage_url(document_id, chunk_id),
    )


def how_found(passage: retrieval.Passage) -> str:
    """Say by which ranking a passage was found, and on which place of it."""
    said = [f"{_place(passage.word_place)} by words"] if passage.word_place else []
    if passage.vector_place:
        said.append(f"{_place(passage.vector_place)} by meaning (similarity {passage.similarity:.2f})")
    return ", ".join(said)


def _place(number: int) -> str:
    return ORDINALS.get(number, f"{number}th")
