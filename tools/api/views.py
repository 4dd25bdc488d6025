"""What operators set up. Tools are for owners of the workspace; connections are seen, and their secrets renewed, by
those whose teams have the right."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tools.api.serializers import (
    CHANGEABLE,
    ConnectionChange,
    ConnectionInput,
    ConnectionOutput,
    ToolChange,
    ToolInput,
    ToolOutput,
)
from tools.models import Connection, Tool
from tools.operations import check_may_change, create_connection, save_tool, update_connection
from workspaces.access import check_owner
from workspaces.api.idempotency import once
from workspaces.api.views import OwnersView, RowsView, RowView, WorkspaceView
from workspaces.models import KeyScope


class SetupView(OwnersView):
    """A view of what operators set up."""

    scope = KeyScope.CONFIGURATION
    what = "see and change its tools and connections"


@extend_schema(tags=["tools"])
class ToolsView(SetupView, RowsView):
    """The workspace's tools."""

    queryset = Tool.objects.none()
    serializer_class = ToolOutput

    @extend_schema(request=ToolInput, responses={201: ToolOutput})
    def post(self, request: Request) -> Response:
        """Set up a tool; agents may propose it once a version names it."""
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = ToolInput(data=request.data)
        sent.is_valid(raise_exception=True)
        values = {"options": {}, **sent.validated_data}
        connection = self.find(Connection.objects.all(), values.pop("connection"))
        operation = values.pop("operation")
        made = save_tool(
            workspace=self.workspace,
            by=self.caller,
            connection=connection,
            operation_name=operation,
            is_new=True,
            **values,
        )
        return self.shown(made, 201, Location=f"{request.path}{made.id}/")


@extend_schema(tags=["tools"])
class ToolView(SetupView, RowView):
    """One tool."""

    queryset = Tool.objects.none()
    serializer_class = ToolOutput

    @extend_schema(request=ToolChange, responses=ToolOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change a tool; clearances given for its old definition lapse."""
        with transaction.atomic():  # what is left out stays as it is by now
            rows = self.visible().select_related("connection").select_for_update(of=("self",))
            tool = self.find(rows, row_id)
            sent = ToolChange(data=request.data)
            sent.is_valid(raise_exception=True)
            kept = {name: getattr(tool, name) for name in CHANGEABLE}
            saved = save_tool(
                workspace=self.workspace,
                name=tool.name,
                connection=tool.connection,
                operation_name=tool.operation,
                by=self.caller,
                **{**kept, **sent.validated_data},
            )
        return self.shown(saved)


class ConnectionRows(WorkspaceView):
    """Connections that the caller may see, of which a live one may name another."""

    scope = KeyScope.CONFIGURATION

    def visible(self) -> QuerySet[Any]:
        """Return the connections that the caller may see."""
        return Connection.objects.visible_to(self.caller)

    def with_counterpart(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return ``values`` with the sandbox connection that they name; raise ``NotFound`` where there is none such."""
        named = values.get("sandbox")
        found = {"sandbox": self.find(Connection.objects.filter(workspace=self.workspace), named)} if named else {}
        return {**values, **found}


@extend_schema(tags=["connections"])
class ConnectionsView(ConnectionRows, RowsView):
    """The connections that the caller may see."""

    queryset = Connection.objects.none()
    serializer_class = ConnectionOutput

    @extend_schema(request=ConnectionInput, responses={201: ConnectionOutput})
    def post(self, request: Request) -> Response:
        """Set up a connection, as an owner; its secret is encrypted and never shown again."""
        check_owner(self.caller, self.workspace, "set up connections")
        return once(request, self.workspace, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        sent = ConnectionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        values = self.with_counterpart(sent.validated_data)
        made = create_connection(workspace=self.workspace, by=self.caller, **values)
        return self.shown(made, 201)


@extend_schema(tags=["connections"])
class ConnectionView(ConnectionRows, RowView):
    """One connection."""

    queryset = Connection.objects.none()
    serializer_class = ConnectionOutput

    @extend_schema(request=ConnectionChange, responses=ConnectionOutput)
    def patch(self, request: Request, row_id: UUID) -> Response:
        """Change it; clearances given under the old version lapse.

        Those who manage the connection renew its secret, enable and disable it; all else is for owners.
        """
        connection = self.find(self.visible(), row_id)
        check_may_change(connection, self.caller)
        sent = ConnectionChange(data=request.data)
        sent.is_valid(raise_exception=True)
        return self.shown(
            update_connection(connection=connection, by=self.caller, **self.with_counterpart(sent.validated_data))
        )
