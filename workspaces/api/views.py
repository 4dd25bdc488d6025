"""The base of the API's views: one workspace, only members, and objects that are found through what they may see."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.functional import cached_property
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from workspaces.errors import NotFound
from workspaces.models import User, Workspace
from workspaces.tenancy import workspace_of

Found = TypeVar("Found", bound=Model)


class WorkspaceView(GenericAPIView[Any]):
    """A view of the caller's current workspace."""

    request: Request

    @cached_property
    def workspace(self) -> Workspace:
        """The key's workspace, or the session's."""
        return workspace_of(self.request)

    @property
    def caller(self) -> User:
        """The account that asks; the permission classes let nobody else in."""
        user = self.request.user
        if not isinstance(user, User):
            raise TypeError("An endpoint without authentication has no caller.")
        return user

    def find(self, rows: QuerySet[Found], row_id: UUID) -> Found:
        """Return one of ``rows`` of this workspace; what is foreign and what is absent is not there alike."""
        found = rows.filter(pk=row_id, workspace=self.workspace).first()
        if found is None:
            name = rows.model._meta.verbose_name
            raise NotFound(f"There is no such {name} here.", "Check the id and the workspace.")
        return found
