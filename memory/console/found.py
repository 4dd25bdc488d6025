"""Finding what an address names, within the current workspace and for this person alone: else it does not exist."""

from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import Http404, HttpRequest

from memory.models import Collection, Document
from memory.models.knowledge import CollectionQuerySet
from workspaces.console.asking import person_of
from workspaces.tenancy import workspace_of


def collections_of(request: HttpRequest) -> CollectionQuerySet:
    """Return the collections of the current workspace that this person may read."""
    return Collection.objects.readable_by(person_of(request)).filter(workspace=workspace_of(request))


def collection_or_404(request: HttpRequest, collection_id: UUID) -> Collection:
    """Return one collection."""
    found = collections_of(request).filter(pk=collection_id).first()
    if found is None:
        raise Http404
    return found


def documents_of(request: HttpRequest) -> QuerySet[Document]:
    """Return the documents of those collections, without their texts but with ``characters``, the length of these."""
    rows = Document.objects.filter(collection_id__in=collections_of(request).values("id"))
    rows = rows.select_related("collection", "workspace").defer("text", "headings")
    return rows.annotate(characters=Length("text"))


def document_or_404(request: HttpRequest, document_id: UUID) -> Document:
    """Return one document."""
    found = documents_of(request).filter(pk=document_id).first()
    if found is None:
        raise Http404
    return found


def manages(request: HttpRequest, collection: Collection) -> bool:
    """Say whether this person may add, date and forget documents of a collection."""
    return Collection.objects.manageable_by(person_of(request)).filter(pk=collection.pk).exists()
