"""Collections and their documents. Owners make collections, managers fill them, teams with the right read them."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Length
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from memory.api.parsing import UploadParser
from memory.api.serializers import (
    ChunkOutput,
    CollectionInput,
    CollectionOutput,
    DocumentChange,
    DocumentInput,
    DocumentOutput,
    DocumentReceipt,
    UploadInput,
)
from memory.models import Chunk, Collection, Document
from memory.operations import (
    add_document,
    create_collection,
    date_document,
    forget_document,
    index_document,
    prepare_document,
    trust_document,
)
from memory.operations.knowledge import require_manager
from memory.states import DocumentStatus
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.paging import OldestFirst
from workspaces.api.parsing import StrictJSONParser
from workspaces.api.views import RowsView, RowView, WorkspaceView
from workspaces.errors import StaleState
from workspaces.models import KeyScope


class CollectionRows(WorkspaceView):
    """Collections that the caller may read."""

    scope = KeyScope.MEMORY
    queryset: QuerySet[Any, Model] = Collection.objects.none()
    serializer_class = CollectionOutput

    def visible(self) -> QuerySet[Collection]:
        """Return the collections that the caller may read."""
        return Collection.objects.readable_by(self.caller)


@extend_schema(tags=["knowledge"])
class CollectionsView(CollectionRows, RowsView):
    """The collections that the caller may read."""

    @extend_schema(request=CollectionInput, responses={201: CollectionOutput})
    def post(self, request: Request) -> Response:
        """Make a collection; until a right is granted to a team, owners alone see it."""
        check_owner(self.caller, self.workspace, "set up collections")
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = CollectionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = create_collection(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return self.shown(made, 201, Location=f"{request.path}{made.id}/")


@extend_schema(tags=["knowledge"])
class CollectionView(CollectionRows, RowView):
    """One collection."""


class DocumentRows(WorkspaceView):
    """Documents of collections that the caller may read, without their texts."""

    scope = KeyScope.MEMORY
    queryset: QuerySet[Any, Model] = Document.objects.none()
    serializer_class = DocumentOutput

    def visible(self) -> QuerySet[Document]:
        """Return the documents of readable collections."""
        mine = Collection.objects.readable_by(self.caller).values("id")
        found = Document.objects.filter(collection_id__in=mine).select_related("collection", "workspace")
        return found.defer("text", "headings").annotate(characters=Length("text"))


@extend_schema(tags=["knowledge"])
class DocumentsView(DocumentRows, RowsView):
    """The documents of one collection."""

    parser_classes = [StrictJSONParser, UploadParser]

    def visible(self) -> QuerySet[Document]:
        """Return the collection's documents."""
        return super().visible().filter(collection=self._collection())

    def _collection(self) -> Collection:
        return self.find(Collection.objects.readable_by(self.caller), self.kwargs["row_id"])

    @extend_schema(
        request={"application/json": DocumentInput, "multipart/form-data": UploadInput},
        responses={201: DocumentReceipt},
    )
    def post(self, request: Request, row_id: UUID) -> Response:
        """Take a document in and index it: JSON up to 2 MB, or a form with a `file` up to KNOWLEDGE_UPLOAD_BYTES."""
        collection = self._collection()
        require_manager(self.caller, collection, "add documents to it")
        sent = DocumentInput(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        prepared = prepare_document(content=values.pop("content"), media_type=values.pop("media_type"))

        def add() -> Response:
            made = add_document(collection=collection, prepared=prepared, by=self.caller, **values)
            return Response({"id": str(made.id)}, status=201, headers={"Location": f"/api/v1/documents/{made.id}/"})

        answer = once(request, self.workspace, add)
        document = Document.objects.select_related("collection").filter(pk=answer.data["id"]).first()
        if document is not None and document.status == DocumentStatus.QUEUED:
            with suppress(StaleState):  # whoever sent the same at the same time has indexed it meanwhile
                index_document(document=document, by=self.caller)
        return answer


@extend_schema(tags=["knowledge"])
class DocumentView(DocumentRows, RowView):
    """One document."""

    @extend_schema(request=DocumentChange, responses=DocumentOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Say from when until when a document holds (managers), or whether it is trusted (owners)."""
        document = self.find(self.visible(), row_id)
        require_manager(self.caller, document.collection, "change its documents")
        sent = DocumentChange(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        with transaction.atomic():  # all of it or nothing; what is left out stays as it is by now
            document = self.find(self.visible().select_for_update(of=("self",)), row_id)
            if trust := values.pop("trust", None):
                trust_document(document=document, trust=trust, by=self.caller)
            if values:
                kept = {"valid_from": document.valid_from, "valid_until": document.valid_until}
                date_document(document=document, by=self.caller, **{**kept, **values})
        return self.shown(document)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Forget a document: no text, no passage and no vector of it is left."""
        forget_document(document=self.find(self.visible(), row_id), by=self.caller)
        return Response(status=204)


@extend_schema(tags=["knowledge"])
class IndexView(DocumentRows):
    """Indexing a document again, where that failed."""

    @extend_schema(request=None, responses=DocumentOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Make the passages and vectors of a document that is queued or failed."""
        found = self.find(self.visible(), row_id)
        require_manager(self.caller, found.collection, "index its documents")
        index_document(document=found, by=self.caller)
        return self.shown(found)


@extend_schema(tags=["knowledge"])
class PassagesView(RowsView):
    """A document as it is searched and cited: its passages, from the first to the last."""

    queryset = Chunk.objects.none()
    serializer_class = ChunkOutput
    pagination_class = OldestFirst

    def visible(self) -> QuerySet[Chunk]:
        """Return the document's passages."""
        mine = Collection.objects.readable_by(self.caller).values("id")
        document = self.find(Document.objects.filter(collection_id__in=mine), self.kwargs["row_id"])
        return (
            Chunk.objects.filter(document=document)
            .select_related("document__collection")
            .defer("words", "document__text", "document__headings")
        )
