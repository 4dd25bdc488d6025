"""Which workspace a request is about: its API key's, the one chosen in the session, or the person's first."""

from collections.abc import Callable
from typing import Any, cast

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from structlog.contextvars import bind_contextvars

from workspaces.errors import Forbidden, NotFound
from workspaces.models import ApiKey, Membership, User, Workspace

CHOSEN = "workspace"


class WorkspaceMiddleware:
    """Gives each request ``workspace``: found when first asked for, empty (false) for whoever belongs to none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cast(Any, request).workspace = SimpleLazyObject(lambda: chosen_workspace(request))
        return self.get_response(request)


def chosen_workspace(request: HttpRequest) -> Workspace | None:
    """Return the session's workspace while the person still belongs to it, else the one they joined first."""
    if not isinstance(request.user, User):
        return None
    mine = Membership.objects.filter(user=request.user, user__is_active=True).select_related("workspace")
    chosen = request.session.get(CHOSEN)
    order = [ExpressionWrapper(~Q(workspace_id=chosen), BooleanField()).asc()] if chosen else []
    found = mine.order_by(*order, "created_at", "id").first()
    if found:
        bind_contextvars(workspace=str(found.workspace_id))
    return found.workspace if found else None


def workspace_of(request: Any) -> Workspace:
    """Return the workspace of a console or API request; raise ``Forbidden`` for whoever belongs to none."""
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        bind_contextvars(workspace=str(key.workspace_id))
        return key.workspace
    found = getattr(request, "workspace", None)
    if not found:
        raise Forbidden("You do not belong to a workspace yet.", "Ask an owner of one to add you.")
    return cast(Workspace, found)


def choose_workspace(request: HttpRequest, workspace_id: str) -> Workspace:
    """Make one of the person's workspaces the session's; raise ``NotFound`` for any other."""
    user = cast(User, request.user)
    found = next((one for one in Workspace.objects.of(user) if str(one.id) == workspace_id), None)
    if found is None:
        raise NotFound("There is no such workspace.", "Choose one that you belong to.")
    request.session[CHOSEN] = str(found.id)
    return found
