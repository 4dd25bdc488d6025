"""The base of the API's views: one workspace, only members, and objects that are found through what they may see."""

from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.functional import cached_property
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.access import check_owner
from workspaces.errors import InvalidInput, NotFound
from workspaces.models import KeyScope, User, Workspace
from workspaces.tenancy import workspace_of

Found = TypeVar("Found", bound=Model)


class WorkspaceView(GenericAPIView[Any]):
    """A view of the caller's current workspace. ``queryset`` serves the description; ``visible`` serves callers."""

    request: Request
    scope: ClassVar[KeyScope | None] = None
    """What an API key needs for what is more than a GET here; unset, no key will do."""

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

    def visible(self) -> QuerySet[Any]:
        """Return the rows that the caller may see, in all of their workspaces."""
        raise NotImplementedError

    def model_rows(self) -> QuerySet[Any]:
        """Return every row of the view's model, for views that let in only those who may see all of them."""
        rows: QuerySet[Any] = super().get_queryset().model._default_manager.all()
        return rows

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows of this workspace that the caller may see."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return self.visible().filter(workspace_id=self.workspace.id)

    def find(self, rows: QuerySet[Found], row_id: UUID) -> Found:
        """Return one of ``rows`` of this workspace; what is foreign and what is absent is not there alike."""
        found = rows.filter(pk=row_id, workspace_id=self.workspace.id).first()
        if found is None:
            name = rows.model._meta.verbose_name
            raise NotFound(f"There is no such {name} here.", "Check the id and the workspace.")
        return found

    def shown(self, row: Model, status: int = 200, **headers: str) -> Response:
        """Answer with one row."""
        return Response(self.get_serializer(row).data, status=status, headers=headers)


def refuse_empty(request: Request) -> None:
    """Raise ``InvalidInput`` for a parameter without a value: a script whose variable is empty did not ask for all."""
    empty = [name for name, values in request.query_params.lists() if "" in values]
    if empty:
        fields = {name: ["It is empty."] for name in empty}
        raise InvalidInput("A filter without a value cannot be used.", "Give it a value, or leave it out.", fields)


class RowsView(ListModelMixin, WorkspaceView):
    """A list: filtered, and paged by cursor."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_empty(request)
        return self.list(request, *args, **kwargs)


class RowView(WorkspaceView):
    """One row by its id."""

    def get(self, request: Request, row_id: UUID) -> Response:
        return self.shown(self.find(self.visible(), row_id))


class OwnersView(WorkspaceView):
    """A view for owners of the workspace alone; ``what`` ends the sentence "Only an owner of … may"."""

    what: ClassVar[str]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else before anything is looked up."""
        super().initial(request, *args, **kwargs)
        check_owner(self.caller, self.workspace, self.what)

    def visible(self) -> QuerySet[Any]:
        """Return all rows: the workspace's owners see them all."""
        return self.model_rows()
