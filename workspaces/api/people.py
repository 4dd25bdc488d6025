"""Who the caller is, for programs that want to know what their key opens."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.access import role_in
from workspaces.api.views import WorkspaceView
from workspaces.models import ApiKey, KeyScope, Role, User, Workspace


class PersonOutput(serializers.ModelSerializer[User]):
    """Somebody who acts, by name."""

    class Meta:
        model = User
        fields = ["id", "name", "is_service"]
        read_only_fields = fields


class WorkspaceOutput(serializers.ModelSerializer[Workspace]):
    """A workspace, by name."""

    class Meta:
        model = Workspace
        fields = ["id", "name", "slug"]
        read_only_fields = fields


class CallerKeyOutput(serializers.ModelSerializer[ApiKey]):
    """The key that was sent: what it may be used for, and until when."""

    scopes = serializers.ListField(child=serializers.ChoiceField(KeyScope.choices), read_only=True)

    class Meta:
        model = ApiKey
        fields = ["id", "name", "scopes", "expires_at"]
        read_only_fields = fields


class CallerOutput(serializers.Serializer[Any]):
    """The account that asks, in the workspace that it asks about."""

    user = PersonOutput()
    workspace = WorkspaceOutput()
    role = serializers.ChoiceField(choices=Role.choices)
    key = CallerKeyOutput(allow_null=True, help_text="Null for a session.")


class CallerView(WorkspaceView):
    """The caller's account, workspace and role."""

    @extend_schema(operation_id="me", responses=CallerOutput, tags=["people"])
    def get(self, request: Request) -> Response:
        """Answer who asks."""
        role = role_in(self.caller, self.workspace.id)
        key = request.auth if isinstance(request.auth, ApiKey) else None
        found = {"user": self.caller, "workspace": self.workspace, "role": role, "key": key}
        return Response(CallerOutput(found).data)
