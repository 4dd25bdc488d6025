"""The live stream of runs: one run's (``?run=``), or the list's."""

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpRequest, StreamingHttpResponse

from agents.console.found import agents_of, runs_of
from workspaces.console.live import News, Wanted, stream
from workspaces.models import User


async def runs(request: HttpRequest) -> StreamingHttpResponse:
    """Stream a hint whenever the run of ``?run=``, or any run where none is named, has moved."""
    return await stream(request, _listen)


def _listen(request: HttpRequest, user: User) -> tuple[Wanted, Callable[[], bool]]:
    named = request.GET.get("run", "")
    if not named:
        rows = agents_of(request)
        return (_is_a_run if rows.exists() else _nothing), lambda: True
    run = runs_of(request).filter(pk=_uuid(named))
    if not run.exists():
        raise Http404
    return lambda news: news.get("run") == str(_uuid(named)), run.all().exists


def _is_a_run(news: News) -> bool:
    return news.get("kind") in ("run", "pause") or bool(news.get("run"))


def _nothing(news: News) -> bool:
    return False


def _uuid(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError as error:
        raise Http404 from error
