"""A model behind the wire format of Chat Completions, streamed, that answers after a fixed time: ``model.py PORT MS``.

The peers' own stand-in answers in one piece, which their bare client reads; our adapters stream, as providers do. Text
and counts are the same, so is the time to the first byte. It runs in the peers' base environment, as theirs does.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

TEXT = "The quick brown fox jumps over the lazy dog. " * 4
SECONDS = float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.4
USAGE = {"prompt_tokens": 250, "completion_tokens": 40, "total_tokens": 290}


def _chunk(**fields: Any) -> bytes:
    of = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": []}
    return b"data: " + json.dumps({**of, **fields}).encode() + b"\n\n"


def _choice(delta: dict[str, str], reason: str | None = None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": delta, "finish_reason": reason}]


BODY = b"".join(
    (
        _chunk(choices=_choice({"role": "assistant", "content": TEXT})),
        _chunk(choices=_choice({}, "stop")),
        _chunk(usage=USAGE),
        b"data: [DONE]\n\n",
    )
)
HEAD = [(b"content-type", b"text/event-stream"), (b"content-length", str(len(BODY)).encode())]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Read the request, wait, answer."""
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    import uvicorn

    settled: dict[str, Any] = {"log_level": "warning", "access_log": False, "lifespan": "off"}
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), backlog=4096, timeout_keep_alive=300, **settled)
