"""The live stream of the inbox, and of one run's requests (``?run=``) beside it."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse

from approvals.models import Request, ReviewQueue
from workspaces.console.live import News, Wanted, stream
from workspaces.models import User
from workspaces.tenancy import workspace_of


async def inbox(request: HttpRequest) -> StreamingHttpResponse:
    """Stream a hint whenever a request of the workspace, or anything of the named run, has moved.

    Only to whoever reads one of the queues, and of a run only where a request of it is theirs to see.
    """
    return await stream(request, _listen)


def _listen(request: HttpRequest, user: User) -> tuple[Wanted, Callable[[], bool]]:
    queues = ReviewQueue.objects.visible_to(user).filter(workspace=workspace_of(request))
    if not queues.exists():
        return _nothing, lambda: True
    run = _run_of(request, user)
    return lambda news: _is_a_request(news) or bool(run and news.get("run") == run), lambda: True


def _run_of(request: HttpRequest, user: User) -> str:
    """Return the id of the run that the address names, empty where the person may see no request of it."""
    try:
        run = UUID(request.GET.get("run", ""))
    except ValueError:
        return ""
    asked = Request.objects.visible_to(user).filter(workspace=workspace_of(request), run_id=run)
    return str(run) if asked.exists() else ""


def _is_a_request(news: News) -> bool:
    return news.get("kind") == "request"


def _nothing(news: News) -> bool:
    return False
