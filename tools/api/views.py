"""What operators set up. Only owners of the workspace see and change it; agents' tools are named by the agents."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tools.api.serializers import ConnectionChange, ConnectionInput, ConnectionOutput, ToolOutput
from tools.models import Connection, Tool
from tools.operations import create_connection, update_connection
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView, RowView, WorkspaceView


class OwnersView(WorkspaceView):
    """A view for owners of the workspace alone."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else before anything is looked up."""
        super().initial(request, *args, **kwargs)
        check_owner(self.caller, self.workspace, "see and change tools and connections")

    def visible(self) -> QuerySet[Any]:
        """Return all rows: the workspace's owners see them all."""
        return self.model_rows()


@extend_schema(tags=["tools"])
class ToolsView(OwnersView, RowsView):
    """The workspace's tools."""

    queryset = Tool.objects.none()
    serializer_class = ToolOutput


@extend_schema(tags=["tools"])
class ToolView(OwnersView, RowView):
    """One tool."""

    queryset = Tool.objects.none()
    serializer_class = ToolOutput


@extend_schema(tags=["connections"])
class ConnectionsView(OwnersView, RowsView):
    """The workspace's connections."""

    queryset = Connection.objects.none()
    serializer_class = ConnectionOutput

    @extend_schema(request=ConnectionInput, responses={201: ConnectionOutput})
    def post(self, request: Request) -> Response:
        """Set up a connection; its secret is encrypted and never shown again."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = ConnectionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        made = create_connection(workspace=self.workspace, by=self.caller, **sent.validated_data)
        return self.shown(made, 201)


@extend_schema(tags=["connections"])
class ConnectionView(OwnersView, RowView):
    """One connection."""

    queryset = Connection.objects.none()
    serializer_class = ConnectionOutput

    @extend_schema(request=ConnectionChange, responses=ConnectionOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change address, secret or whether it is enabled; clearances given under the old version lapse."""
        connection = self.find(self.visible(), row_id)
        sent = ConnectionChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.shown(update_connection(connection=connection, by=self.caller, **sent.validated_data))
