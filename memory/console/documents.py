"""One document: its passages, when it holds, whether it is trusted, indexing it again, and forgetting it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from memory.console.document_page import document_page
from memory.console.found import document_or_404
from memory.models import Document, Trust
from memory.operations import date_document, forget_document, index_document, trust_document
from memory.operations.knowledge import require_manager
from memory.states import DocumentStatus
from workspaces.console.asking import person_of
from workspaces.console.links import collection_url, document_url
from workspaces.console.once import once
from workspaces.errors import InvalidInput

FORMAT: Final = "%Y-%m-%dT%H:%M"


class Dates(forms.Form):
    """From when until when a document is found, in UTC; empty is without a bound."""

    valid_from = forms.DateTimeField(required=False, input_formats=[FORMAT, "%Y-%m-%dT%H:%M:%S"])
    valid_until = forms.DateTimeField(required=False, input_formats=[FORMAT, "%Y-%m-%dT%H:%M:%S"])


@require_safe
def show(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Show one document, a page of its passages at a time; ``?passage=`` names the one to begin with."""
    page = document_page(request, document_or_404(request, document_id))
    return render(request, "memory/document.html", {"page": page})


@require_POST
def date(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Say when the document is found."""
    document = document_or_404(request, document_id)
    form = Dates(request.POST)
    try:
        if not form.is_valid():
            raise InvalidInput("This is not a date and time.", "Write it as 2026-01-31T09:00, in UTC.")
        return _changed(request, document, lambda: _date(request, document, **form.cleaned_data), "Dated.")
    except InvalidInput as error:
        page = document_page(request, document, refused=f"{error.message} {error.hint}", typed=request.POST)
        return render(request, "memory/document.html", {"page": page}, status=422)


@require_POST
def archive(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Let the document be found no more, from now on; it stays, and can be dated again."""
    document = document_or_404(request, document_id)
    now = timezone.now()
    start = document.valid_from if document.valid_from and document.valid_from < now else None
    said = "Archived: searches and agents do not find it any more."
    return _changed(request, document, lambda: _date(request, document, valid_from=start, valid_until=now), said)


def _date(
    request: HttpRequest, document: Document, *, valid_from: datetime | None, valid_until: datetime | None
) -> None:
    date_document(document=document, valid_from=valid_from, valid_until=valid_until, by=person_of(request))


@require_POST
def trust(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Vouch for what the document says, or stop to; an owner's word."""
    document, said = document_or_404(request, document_id), request.POST.get("trust", "")
    if said not in Trust.values:
        raise InvalidInput("Say whether the document is trusted or untrusted.", "Use the button on its page.")
    told = "Trusted from now on." if said == Trust.TRUSTED else "Untrusted from now on."
    by = person_of(request)
    return _changed(request, document, lambda: trust_document(document=document, trust=said, by=by), told)


@require_POST
def index(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Make the passages of a document that is queued or failed; no transaction, since a model may be asked."""
    document = document_or_404(request, document_id)
    index_document(document=document, by=person_of(request))
    if document.status == DocumentStatus.READY:
        messages.success(request, "Indexed: searches find it now.")
    else:
        messages.warning(request, f"It could not be indexed. {document.explanation}")
    return redirect(document_url(document.id))


@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Ask whether the document is to be forgotten, and forget it."""
    document = document_or_404(request, document_id)
    require_manager(person_of(request), document.collection, "forget its documents")
    if request.method != "POST":
        context = {"document": document, "passages": document.chunks.count(), "back_url": document_url(document.id)}
        return render(request, "memory/forget.html", context)

    def gone() -> str:
        forget_document(document=document, by=person_of(request))
        return collection_url(document.collection_id)

    led_to = once(request, gone)
    messages.success(request, "Forgotten: no text, no passage and no vector of it is left.")
    return redirect(led_to)


def _changed(request: HttpRequest, document: Document, change: Callable[[], Any], said: str) -> HttpResponse:
    def perform() -> str:
        change()
        return document_url(document.id)

    led_to = once(request, perform)
    messages.success(request, said)
    return redirect(led_to)
