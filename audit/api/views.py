"""The ledger, for owners and auditors of the workspace."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from audit.ledger.models import Event, Seal
from workspaces.access import can_read_ledger
from workspaces.api.filters import InstantFilter
from workspaces.api.paging import ByNumber, ByPlace
from workspaces.api.views import RowsView
from workspaces.errors import Forbidden


class EventOutput(serializers.ModelSerializer[Event]):
    """One line of the ledger, as its digest covers it."""

    body = serializers.DictField(read_only=True)

    class Meta:
        model = Event
        fields = [
            "id",
            "epoch",
            "txid",
            "sequence",
            "at",
            "actor",
            "verb",
            "subject_type",
            "subject_id",
            "body",
            "digest",
        ]
        read_only_fields = fields


class SealOutput(serializers.ModelSerializer[Seal]):
    """A signed Merkle root over a stretch of events."""

    class Meta:
        model = Seal
        fields = [
            "id",
            "number",
            "epoch",
            "first_txid",
            "first_sequence",
            "last_txid",
            "last_sequence",
            "event_count",
            "merkle_root",
            "previous",
            "at",
            "key_id",
            "digest",
            "signature",
        ]
        read_only_fields = fields


class EventFilter(filters.FilterSet):  # type: ignore[misc]  # untyped upstream
    """Which events."""

    since = InstantFilter(field_name="at", lookup_expr="gte")
    until = InstantFilter(field_name="at", lookup_expr="lt")
    verb = filters.CharFilter()
    actor = filters.CharFilter()
    subject_type = filters.CharFilter()
    subject_id = filters.CharFilter()

    class Meta:
        model = Event
        fields: list[str] = []


class LedgerView(RowsView):
    """A list that is a right of the workspace: for its owners and auditors."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else."""
        super().initial(request, *args, **kwargs)
        if not can_read_ledger(self.caller, self.workspace.id):
            raise Forbidden("Only owners and auditors read the ledger.", "Ask an owner of the workspace.")

    def visible(self) -> QuerySet[Any]:
        """Return all rows: whoever reads the ledger reads all of it."""
        return self.model_rows()


@extend_schema(tags=["ledger"])
class EventsView(LedgerView):
    """The ledger's events, newest first."""

    queryset = Event.objects.none()
    serializer_class = EventOutput
    pagination_class = ByPlace
    filterset_class = EventFilter


@extend_schema(tags=["ledger"])
class SealsView(LedgerView):
    """The seals, newest first."""

    queryset = Seal.objects.none()
    serializer_class = SealOutput
    pagination_class = ByNumber
