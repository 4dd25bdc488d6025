"""Searching over the API: in one collection, or in all that the caller may read."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from memory.api.serializers import SearchInput, SearchOutput
from memory.models import Collection
from memory.retrieval import search
from workspaces.api.views import WorkspaceView
from workspaces.models import KeyScope


class SearchingView(WorkspaceView):
    """Looks for passages. It is a POST, so that what people look for is in no address and no log."""

    scope = KeyScope.READ
    queryset: QuerySet[Any, Model] = Collection.objects.none()
    serializer_class = SearchOutput

    def visible(self) -> QuerySet[Collection]:
        """Return the collections that the caller may read."""
        return Collection.objects.readable_by(self.caller)

    def found(self, request: Request, collections: QuerySet[Collection]) -> Response:
        """Answer with the passages of ``collections``."""
        sent = SearchInput(data=request.data)
        sent.is_valid(raise_exception=True)
        passages = search(collections, sent.validated_data["query"], limit=sent.validated_data["limit"])
        return Response(SearchOutput({"results": passages}).data)


@extend_schema(tags=["knowledge"])
class SearchView(SearchingView):
    """All collections."""

    @extend_schema(request=SearchInput, responses=SearchOutput)
    def post(self, request: Request) -> Response:
        """Find passages in all collections that the caller may read."""
        return self.found(request, self.get_queryset())


@extend_schema(tags=["knowledge"])
class CollectionSearchView(SearchingView):
    """One collection."""

    @extend_schema(request=SearchInput, responses=SearchOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Find passages in one collection."""
        collection = self.find(self.visible(), row_id)
        return self.found(request, self.get_queryset().filter(pk=collection.pk))
