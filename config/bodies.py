"""The outermost cap on what anybody may send: Django would spool a body without a length to disk, without end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from django.http import HttpResponse

from workspaces.api.problem import problem_page
from workspaces.console.problems import too_large
from workspaces.errors import TooLarge

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

ROOM = 64 * 1024
"""What a body may have above the limit that the views enforce with a better sentence, or the form's own encoding."""

LINGER_BYTES = 128 * 1024 * 1024
LINGER_SECONDS = 30
"""How much more, and how long, a refused sender is listened to: browsers read no answer before they have sent it all,
and would show a broken connection instead of the sentence."""


class TooMuch(Exception):
    """More has come than is taken."""


class CappedBodies:
    """An ASGI application that answers 413 as soon as a request's body has more than ``limit`` bytes.

    ``larger`` maps beginnings of paths, where files may be sent, to limits of their own.
    """

    def __init__(self, application: Application, limit: int, larger: Mapping[str, int] | None = None) -> None:
        self.application = application
        self.limit = limit
        self.larger = dict(larger or {})

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        got = 0
        limit = self.limit_of(scope["path"]) + ROOM

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > limit:
                raise TooMuch
            return message

        try:
            await self.application(scope, counted, send)
        except TooMuch:
            await _refuse(scope["path"], self.error_for(scope["path"]), receive, send)

    def limit_of(self, path: str) -> int:
        """Return how many bytes may be sent to ``path``."""
        return max((size for start, size in self.larger.items() if path.startswith(start)), default=self.limit)

    def error_for(self, path: str) -> TooLarge:
        """Return the sentence for whoever sent more than that."""
        limit = self.limit_of(path)
        if limit == self.limit:
            return too_large()
        return TooLarge(f"More than {limit:,} bytes were sent.", "Send a smaller file, or split it.")


async def _refuse(path: str, error: TooLarge, receive: Receive, send: Send) -> None:
    text = f"{error.message} {error.hint}"
    answer = problem_page(error) if path.startswith("/api/") else HttpResponse(text, "text/plain", error.http_status)
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    headers += [(b"content-length", str(len(answer.content)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            await _swallow(receive)
    await send({"type": "http.response.body", "body": b""})


async def _swallow(receive: Receive) -> None:
    """Take what is still sent and keep none of it; what has no end gets one here."""
    left = LINGER_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body"):
            return
