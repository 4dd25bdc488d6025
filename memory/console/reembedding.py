"""Embedding a collection anew by another model, and cancelling that."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from memory.console.found import collection_or_404
from memory.operations import begin_reembedding, cancel_reembedding
from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.console.links import collection_url
from workspaces.console.once import once


@require_POST
def begin(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Let the collection be embedded anew in the background."""
    collection, model = collection_or_404(request, collection_id), str(sanitise(request.POST.get("model", "")))

    def begun() -> str:
        begin_reembedding(collection=collection, model=model, by=person_of(request))
        return collection_url(collection.id)

    led_to = once(request, begun)
    messages.success(request, f"{collection.title} is embedded anew in the background. Its progress is shown here.")
    return redirect(led_to)


@require_POST
def cancel(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Keep the model that is in force."""
    collection = collection_or_404(request, collection_id)

    def cancelled() -> str:
        cancel_reembedding(collection=collection, by=person_of(request))
        return collection_url(collection.id)

    led_to = once(request, cancelled)
    messages.success(request, f"Cancelled: {collection.title} keeps its model.")
    return redirect(led_to)
