"""The live stream of the inbox."""

from collections.abc import Callable

from django.http import HttpRequest, StreamingHttpResponse

from approvals.models import ReviewQueue
from workspaces.console.live import News, Wanted, stream
from workspaces.models import User
from workspaces.tenancy import workspace_of


async def inbox(request: HttpRequest) -> StreamingHttpResponse:
    """Stream a hint whenever a request of the workspace has moved, to whoever reads one of its queues."""
    return await stream(request, _listen)


def _listen(request: HttpRequest, user: User) -> tuple[Wanted, Callable[[], bool]]:
    queues = ReviewQueue.objects.visible_to(user).filter(workspace=workspace_of(request))
    return (_is_a_request if queues.exists() else _nothing), lambda: True


def _is_a_request(news: News) -> bool:
    return news.get("kind") == "request"


def _nothing(news: News) -> bool:
    return False
