"""Looking for passages. The words are sent by POST, so that what people look for is in no address and no log."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from memory.console.found import collection_or_404, collections_of
from memory.console.rows import found_passage
from memory.errors import EmbeddingUnavailable
from memory.models import Collection
from memory.retrieval import LONGEST_QUERY, search
from workspaces.canonical import sanitise
from workspaces.console.knowledge_shapes import SearchPage
from workspaces.console.links import KNOWLEDGE, collection_url

MOST = 10
EVERYWHERE = "everything that you may read"


@require_http_methods(["GET", "HEAD", "POST"])
def everywhere(request: HttpRequest) -> HttpResponse:
    """Look for passages in all collections that this person may read."""
    url = reverse("knowledge:search")
    return _search(request, collections_of(request), where=EVERYWHERE, url=url, back=KNOWLEDGE)


@require_http_methods(["GET", "HEAD", "POST"])
def within(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Look for passages in one collection."""
    one = collection_or_404(request, collection_id)
    url = reverse("knowledge:collection-search", args=[one.id])
    mine = collections_of(request).filter(pk=one.pk)
    return _search(request, mine, where=one.title, url=url, back=collection_url(one.id))


def _search(request: HttpRequest, mine: "QuerySet[Collection]", *, where: str, url: str, back: str) -> HttpResponse:
    query = str(sanitise(request.POST.get("query", ""))).strip()
    told: dict[str, Any] = {"where": where, "url": url, "back_url": back, "query": query}
    if request.method != "POST":
        return _shown(request, SearchPage(where=where, url=url, back_url=back))
    if not 0 < len(query) <= LONGEST_QUERY:
        message = "Say what you look for." if not query else f"A search has at most {LONGEST_QUERY:,} characters."
        return _shown(request, SearchPage(**told, message=message), 422)
    try:
        passages = [found_passage(passage) for passage in search(mine, query, limit=MOST)]
    except EmbeddingUnavailable as error:
        return _shown(request, SearchPage(**told, message=error.message, hint=error.hint), error.http_status)
    return _shown(request, SearchPage(**told, asked=True, passages=passages))


def _shown(request: HttpRequest, page: SearchPage, status: int = 200) -> HttpResponse:
    return render(request, "memory/search.html", {"page": page}, status=status)
