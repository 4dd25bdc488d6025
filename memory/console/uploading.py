"""Taking a document in from a form: read first, outside of any transaction, then stored, then indexed."""

from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_valid_filename
from django.views.decorators.http import require_http_methods

from memory.console.found import collection_or_404
from memory.console.rows import KINDS
from memory.models import Collection, Document
from memory.operations import add_document, index_document, prepare_document
from memory.operations.knowledge import require_manager
from memory.reading.shapes import ENDINGS
from memory.states import DocumentStatus
from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.console.links import collection_url, document_url
from workspaces.console.once import FIELD, once
from workspaces.errors import DomainError, InvalidInput, StaleState

ACCEPTED = ",".join(ENDINGS)


class Upload(forms.Form):
    """A file and what is said of it; title, source and kind follow from the file's name where they are left empty."""

    file = forms.FileField(
        widget=forms.FileInput(attrs={"accept": ACCEPTED, "autofocus": True}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty. Send one that holds text."},
    )
    media_type = forms.ChoiceField(
        label="Kind", required=False, choices=[("", "As the file's name says"), *((k, v) for k, v in KINDS.items())]
    )
    title = forms.CharField(max_length=200, required=False, help_text="The file's name, where you leave it empty.")
    source = forms.CharField(
        max_length=500,
        required=False,
        help_text="Where it is from, such as an address. It is shown with every citation.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        size, text = settings.KNOWLEDGE_UPLOAD_BYTES, settings.KNOWLEDGE_TEXT_CHARACTERS
        self.fields["file"].help_text = (
            f"Text, Markdown, HTML or PDF, up to {size / 1_000_000:g} MB and {settings.KNOWLEDGE_PDF_PAGES:,} pages, "
            f"with up to {text:,} characters of text."
        )

    def clean(self) -> dict[str, Any]:
        """Fill in what the file's name says."""
        values = super().clean() or self.cleaned_data
        file = values.get("file")
        if file is None:
            return values
        name = PurePosixPath(str(sanitise(file.name)))
        values["media_type"] = values.get("media_type") or ENDINGS.get(name.suffix.lower(), "")
        if not values["media_type"]:
            self.add_error("media_type", "The file's name does not say what it is. Choose its kind.")
        values["title"] = values.get("title") or name.stem or get_valid_filename(name.name)
        values["source"] = values.get("source") or name.name
        return values


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, collection_id: UUID) -> HttpResponseBase:
    """Ask for a document, and take it in."""
    collection = collection_or_404(request, collection_id)
    require_manager(person_of(request), collection, "add documents to it")
    form = Upload(request.POST, request.FILES) if request.method == "POST" else Upload()
    status = 200
    if request.method == "POST":
        answer = _take_in(request, collection, form)
        if isinstance(answer, HttpResponseBase):
            return answer
        status = answer
    context = {
        "form": form,
        "collection": collection,
        "back_url": collection_url(collection.id),
        "url": reverse("knowledge:upload", args=[collection.id]),
        "once_key": request.POST.get(FIELD, ""),
    }
    return render(request, "memory/upload.html", context, status=status)


def _take_in(request: HttpRequest, collection: Collection, form: Upload) -> HttpResponse | int:
    """Store and index the document and return the way to it; where that cannot be, say why and return the status."""
    if not form.is_valid():
        return 422
    values = {name: form.cleaned_data[name] for name in ("title", "source")}
    by = person_of(request)
    try:
        prepared = prepare_document(
            content=form.cleaned_data["file"].read(), media_type=form.cleaned_data["media_type"]
        )
        led_to = once(
            request,
            lambda: document_url(add_document(collection=collection, prepared=prepared, by=by, **values).id),
        )
    except DomainError as error:
        return _say(form, error)
    document = Document.objects.select_related("collection").get(pk=led_to.split("/")[2])
    if document.status == DocumentStatus.QUEUED:
        with suppress(StaleState):  # the same form, sent at the same time, has indexed it meanwhile
            index_document(document=document, by=by)
    _tell(request, document)
    return redirect(led_to)


def _say(form: Upload, error: DomainError) -> int:
    of_file = error.http_status == 413 or (isinstance(error, InvalidInput) and "content" in (error.fields or {}))
    form.add_error("file" if of_file else None, f"{error.message} {error.hint}".strip())
    return error.http_status


def _tell(request: HttpRequest, document: Document) -> None:
    if document.status == DocumentStatus.READY:
        messages.success(request, "The document is in, and is found by searches. Nobody vouches for it yet.")
    else:
        messages.warning(request, f"The document is stored, but not found by searches. {document.explanation}".strip())
