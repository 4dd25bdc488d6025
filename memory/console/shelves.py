"""Collections: the list, and one collection with its documents."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from memory.console.found import collection_or_404, collections_of, documents_of, manages
from memory.console.rows import document_row
from memory.embeddings import known_models
from memory.models import Collection, Reembedding
from memory.states import DocumentStatus
from workspaces.access import role_in
from workspaces.console.asking import person_of
from workspaces.console.knowledge_shapes import CollectionPage, CollectionRow, Progress
from workspaces.console.links import collection_url
from workspaces.console.listing import asked, choice, page_of
from workspaces.console.run_shapes import Filter
from workspaces.console.words import look
from workspaces.models import Role
from workspaces.tenancy import workspace_of

QUEUED = Count("documents", filter=Q(documents__status=DocumentStatus.QUEUED))
FAILED = Count("documents", filter=Q(documents__status=DocumentStatus.FAILED))


def collection_row(collection: Collection, *, documents: int, queued: int, failed: int) -> CollectionRow:
    """Return a collection as a row."""
    return CollectionRow(
        title=collection.title,
        url=collection_url(collection.id),
        model=collection.model,
        documents=documents,
        queued=queued,
        failed=failed,
    )


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the collections that this person may read."""
    rows = collections_of(request).annotate(all=Count("documents"), queued=QUEUED, failed=FAILED)
    found, pager = page_of(request, rows.order_by("title", "id"))
    made = [
        collection_row(one, documents=one.all, queued=one.queued, failed=one.failed)  # type: ignore[attr-defined]
        for one in found
    ]
    owner = role_in(person_of(request), workspace_of(request).id) == Role.OWNER
    context = {"collections": made, "pager": pager, "search_url": reverse("knowledge:search"), "owner": owner}
    return render(request, "memory/collections.html", context)


@require_safe
def show(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Show one collection with its documents, newest first."""
    collection = collection_or_404(request, collection_id)
    status, title = asked(request, "status"), asked(request, "title")
    every = documents_of(request).filter(collection=collection)
    counts = every.aggregate(
        documents=Count("id"),
        queued=Count("id", filter=Q(status=DocumentStatus.QUEUED)),
        failed=Count("id", filter=Q(status=DocumentStatus.FAILED)),
    )
    rows = every.filter(status=status) if status in DocumentStatus.values else every
    rows = rows.filter(title__icontains=title) if title else rows
    found, pager = page_of(request, rows.order_by("-created_at", "-id"))
    words = [(value, look("document", value).word) for value in DocumentStatus.values]
    page = CollectionPage(
        row=collection_row(collection, **counts),
        name=collection.name,
        at=collection.created_at,
        documents=[document_row(one) for one in found],
        pager=pager,
        filters=[choice("status", "State", words, status), Filter(name="title", label="Title", value=title)],
        clear_url=collection_url(collection.id) if status or title else "",
        search_url=reverse("knowledge:collection-search", args=[collection.id]),
        **_embedding(request, collection),
        upload_url=reverse("knowledge:upload", args=[collection.id]) if manages(request, collection) else "",
    )
    return render(request, "memory/collection.html", {"page": page})


def _embedding(request: HttpRequest, collection: Collection) -> dict[str, Any]:
    """Return how far embedding it anew is, and for owners the ways to begin and to cancel that."""
    latest = collection.reembeddings.order_by("-created_at").first()
    owner = role_in(person_of(request), collection.workspace_id) == Role.OWNER
    ways = (
        {"reembed_url": reverse("knowledge:reembed", args=[collection.id]), "models": known_models()} if owner else {}
    )
    if owner and latest is not None and latest.is_live:
        ways["cancel_url"] = reverse("knowledge:reembed-cancel", args=[collection.id])
    return {**ways, "progress": _progress(latest) if latest and latest.is_live else None}


def _progress(one: Reembedding) -> Progress:
    names = ("status", "model", "replaces", "done", "total", "explanation")
    return Progress(**{name: getattr(one, name) for name in names}, at=one.created_at)
