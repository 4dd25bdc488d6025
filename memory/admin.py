"""Knowledge to set up, through its operations; conversations and passages to read."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import HttpRequest

from memory.embeddings import DEFAULT_MODEL, known_models
from memory.models import Chunk, Collection, CollectionGrant, Document, Message, Session, Trust
from memory.operations import (
    add_document,
    create_collection,
    date_document,
    forget_document,
    index_document,
    prepare_document,
    trust_document,
)
from memory.reading.shapes import MEDIA_TYPES
from workspaces.admin_forms import GrantForm, OperationForm, person
from workspaces.administration import GrantSetup, OwnWorkspace, Records, Setup, site
from workspaces.models import User


@admin.register(Session, site=site)
class SessionAdmin(Records):
    list_display = ("subject_kind", "subject_ref", "agent_id", "created_at")


@admin.register(Message, site=site)
class MessageAdmin(Records):
    list_display = ("session_id", "run_id", "role", "source", "trust", "at")
    list_filter = (OwnWorkspace, "role", "trust")


class CollectionForm(OperationForm):
    """The embedding model that searches it; the console and the API embed a collection anew by another."""

    model = forms.ChoiceField(initial=DEFAULT_MODEL)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "model" in self.fields:
            known: Any = self.fields["model"]
            known.choices = [(name, name) for name in known_models()]


@admin.register(Collection, site=site)
class CollectionAdmin(Setup):
    form = CollectionForm
    changeable = False
    list_display = ("name", "title", "model", "workspace", "created_at")
    list_select_related = ("workspace",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("workspace", "name", "title", "model")
        return added if obj is None else (*added, "dimension", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj is None else {"form": OperationForm, "fields": []}))

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return create_collection(**data, by=by)


@admin.register(CollectionGrant, site=site)
class CollectionGrantAdmin(GrantSetup):
    form = GrantForm


class DocumentForm(OperationForm):
    """A file, and what it is."""

    file = forms.FileField(help_text="Text, Markdown, HTML or PDF.", required=False)
    media_type = forms.ChoiceField(choices=[(kind, kind) for kind in MEDIA_TYPES], required=False)
    names = {"content": "file"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"file", "media_type"} & self.fields.keys():
            self.fields[name].required = True


@admin.register(Document, site=site)
class DocumentAdmin(Setup):
    """Documents come as files, untrusted; deleting one forgets it."""

    form = DocumentForm
    removable = True
    fixed = ("collection", "title", "source", "media_type", "trust", "status", "explanation", "digest", "created_at")
    list_display = ("title", "collection", "media_type", "trust", "status", "valid_from", "valid_until")
    list_select_related = ("collection",)
    list_filter = (OwnWorkspace, "status", "trust")
    actions = ("trust", "distrust", "index")

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        found = super().get_queryset(request).select_related("collection", "workspace")
        return found.defer("text", "headings")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        added = ("collection", "file", "media_type", "title", "source", "valid_from", "valid_until")
        return added if obj is None else (*self.fixed, "valid_from", "valid_until")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj is None else {"form": OperationForm}), **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        values = dict(data)
        if before is not None:
            return date_document(document=before, **values, by=by)
        del values["media_type"]
        return add_document(prepared=values.pop("file").prepared, **values, by=by)

    def ahead(self, request: HttpRequest) -> None:
        """Read the file while no transaction is open: that takes a process of its own, and up to half a minute."""
        file, kind = request.FILES.get("file"), request.POST.get("media_type", "")
        if isinstance(file, UploadedFile) and file.size and kind in MEDIA_TYPES:
            cast(Any, file).prepared = prepare_document(content=file.read(), media_type=kind)
            file.seek(0)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """Remember what was added: its answer is made before the transaction ends."""
        cast(Any, request).added = obj.pk
        return super().response_add(request, obj, post_url_continue)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Index what was added once that is committed: no transaction waits for an embedding model."""
        answer = super().changeform_view(request, object_id, form_url, extra_context)
        if added := getattr(request, "added", None):
            document = Document.objects.select_related("collection").get(pk=added)
            index_document(document=document, by=person(request))
            if document.explanation:
                self.message_user(request, f"{document}: {document.explanation}", messages.ERROR)
        return answer

    def remove(self, *, by: User, row: Any) -> None:
        forget_document(document=row, by=by)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Ask for no right of their own on the passages: they go with their document."""
        listed, counts, _, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

    @admin.action(description="Trust: an owner vouches for what it says")
    def trust(self, request: HttpRequest, queryset: "models.QuerySet[Document]") -> None:
        self._trust(request, queryset, Trust.TRUSTED)

    @admin.action(description="Distrust: it is outside text again")
    def distrust(self, request: HttpRequest, queryset: "models.QuerySet[Document]") -> None:
        self._trust(request, queryset, Trust.UNTRUSTED)

    def _trust(self, request: HttpRequest, queryset: "models.QuerySet[Document]", trust: Trust) -> None:
        def change(row: Document) -> None:
            trust_document(document=row, trust=trust, by=person(request))

        self.each(request, queryset, change, f"{trust}.")

    @admin.action(description="Index again, where that failed")
    def index(self, request: HttpRequest, queryset: "models.QuerySet[Document]") -> None:
        self.each(request, queryset, lambda row: index_document(document=row, by=person(request)), "indexed.")


@admin.register(Chunk, site=site)
class ChunkAdmin(Records):
    """The passages of documents, as searches find them."""

    list_display = ("document", "ordinal", "heading", "start", "end")
    list_select_related = ("document",)
    fields = ("document", "ordinal", "heading", "text", "start", "end")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Any]":
        return super().get_queryset(request).defer("words")
