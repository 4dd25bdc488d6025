"""Embedding a collection anew by another model, over the API: beginning, watching and cancelling it."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from memory.api.serializers import check_model
from memory.models import Collection, Reembedding
from memory.operations import begin_reembedding, cancel_reembedding
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import WorkspaceView
from workspaces.errors import NotFound
from workspaces.models import KeyScope


class ReembeddingInput(serializers.Serializer[Any]):
    """By which model."""

    model = serializers.CharField(
        max_length=100, validators=[check_model], help_text="One of this installation's embedding models."
    )


class ReembeddingOutput(serializers.ModelSerializer[Reembedding]):
    """How far it is. Until it is complete, the collection is searched by what ``replaces`` made."""

    class Meta:
        model = Reembedding
        fields = [
            "id",
            "collection",
            "model",
            "replaces",
            "status",
            "explanation",
            "done",
            "total",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


@extend_schema(tags=["knowledge"])
class ReembeddingView(WorkspaceView):
    """The latest embedding of one collection anew."""

    scope = KeyScope.MEMORY
    queryset: QuerySet[Any, Model] = Collection.objects.none()
    serializer_class = ReembeddingOutput

    def visible(self) -> QuerySet[Collection]:
        """Return the collections that the caller may read."""
        return Collection.objects.readable_by(self.caller).select_related("workspace")

    def _owned(self, row_id: UUID) -> Collection:
        collection = self.find(self.visible(), row_id)
        check_owner(self.caller, collection.workspace, "have collections embedded anew")
        return collection

    @extend_schema(responses=ReembeddingOutput)
    def get(self, request: Request, row_id: UUID) -> Response:
        """Say how far it is, or how the latest ended."""
        collection = self.find(self.visible(), row_id)
        latest = collection.reembeddings.order_by("-created_at").first()
        if latest is None:
            raise NotFound("This collection was never embedded anew.", "POST the name of a model to begin.")
        return Response(ReembeddingOutput(latest).data)

    @extend_schema(request=ReembeddingInput, responses={202: ReembeddingOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Begin it, or go on where it stopped; one on the way to another model is cancelled. Owners only."""
        collection = self._owned(row_id)
        sent = ReembeddingInput(data=request.data)
        sent.is_valid(raise_exception=True)

        def begin() -> Response:
            made = begin_reembedding(collection=collection, model=sent.validated_data["model"], by=self.caller)
            return Response(ReembeddingOutput(made).data, status=202)

        return once(request, self.workspace, begin)

    @extend_schema(responses=ReembeddingOutput)
    def delete(self, request: Request, row_id: UUID) -> Response:
        """Cancel it: the model in force stays. Owners only."""
        return Response(ReembeddingOutput(cancel_reembedding(collection=self._owned(row_id), by=self.caller)).data)
