"""One document as its page shows it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from memory.console.found import manages
from memory.console.rows import chunk_passage, document_row
from memory.models import Chunk, Document
from memory.states import DocumentStatus
from workspaces.access import role_in
from workspaces.console.asking import page_number, person_of
from workspaces.console.knowledge_shapes import DocumentPage
from workspaces.console.links import collection_url, document_url
from workspaces.console.run_shapes import Pager
from workspaces.models import Role

PASSAGES = 20


def document_page(
    request: HttpRequest, document: Document, *, refused: str = "", typed: Mapping[str, str] | None = None
) -> DocumentPage:
    """Return everything about one document; ``typed`` are the dates of a form that was ``refused``."""
    chunks = document.chunks.defer("words").order_by("ordinal")
    cited, lost = _cited(request, chunks)
    number = cited.ordinal // PASSAGES + 1 if cited else page_number(request)
    found = list(chunks[(number - 1) * PASSAGES : number * PASSAGES + 1])
    dates = typed or {"valid_from": _typed(document.valid_from), "valid_until": _typed(document.valid_until)}
    return DocumentPage(
        row=document_row(document),
        collection=document.collection.title,
        collection_url=collection_url(document.collection_id),
        id=str(document.id),
        digest=document.digest,
        characters=document.characters,  # type: ignore[attr-defined]  # annotated
        passages=[chunk_passage(document, chunk) for chunk in found[:PASSAGES]],
        pager=_pager(document_url(document.id), number, len(found), chunks),
        cited=str(cited.id) if cited else "",
        lost=lost,
        valid_from=dates.get("valid_from", ""),
        valid_until=dates.get("valid_until", ""),
        refused=refused,
        **_ways(request, document),
    )


def _cited(request: HttpRequest, chunks: "QuerySet[Chunk]") -> tuple[Chunk | None, bool]:
    """Return the passage that the address names, and whether it names one that is not there."""
    named = request.GET.get("passage", "")
    try:
        chunk = chunks.filter(pk=UUID(named)).first() if named else None
    except ValueError:
        chunk = None
    return chunk, bool(named) and chunk is None


def _pager(url: str, number: int, found: int, chunks: "QuerySet[Chunk]") -> Pager | None:
    more = found > PASSAGES
    if number == 1 and not more:
        return None
    before = url if number == 2 else f"{url}?page={number - 1}"
    return Pager(
        shown=min(found, PASSAGES),
        total=chunks.count(),
        previous_url=before if number > 1 else "",
        next_url=f"{url}?page={number + 1}" if more else "",
        before="Earlier",
        after="Later",
    )


def _ways(request: HttpRequest, document: Document) -> dict[str, str]:
    """Return the addresses of what this person may do with the document."""
    mine = manages(request, document.collection)
    ways = {"date": "dates_url", "archive": "archive_url", "forget": "forget_url"} if mine else {}
    if ways and document.status != DocumentStatus.READY:
        ways["index-document"] = "index_url"
    if role_in(person_of(request), document.workspace_id) == Role.OWNER:
        ways["trust"] = "trust_url"
    return {field: reverse(f"knowledge:{name}", args=[document.id]) for name, field in ways.items()}


def _typed(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M}" if at else ""
