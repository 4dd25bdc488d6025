"""Bodies without end are refused while they come, with and without a stated length."""

import asyncio
import http.client
import json
import socket
import threading

import pytest
import uvicorn

from config import bodies
from config.bodies import ROOM, CappedBodies

LIMIT = 1000


async def reads_everything(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(path, chunks):
    sent = []
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(
        CappedBodies(reads_everything, LIMIT, {"/files/": 2 * LIMIT})({"type": "http", "path": path}, receive, send)
    )
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"], len(waiting)


def test_body_under_the_cap_arrives_whole():
    assert ask("/", [b"x" * LIMIT, b"y" * ROOM])[::2] == (200, str(LIMIT + ROOM).encode())


@pytest.mark.parametrize("path", ["/api/v1/runs/", "/runs/new/"])
def test_endless_body_is_refused_before_it_ends(path, monkeypatch):
    monkeypatch.setattr(bodies, "LINGER_BYTES", 5 * ROOM)
    status, headers, body, unread = ask(path, [b"x" * ROOM] * 100)
    assert (status, unread > 90) == (413, True)
    assert b"2 MB" in body
    assert int(headers[b"content-length"]) == len(body)
    if path.startswith("/api/"):
        assert json.loads(body)["code"] == "too_large"


def test_other_protocols_pass():
    async def lifespan(scope, receive, send):
        await send({"type": scope["type"]})

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(CappedBodies(lifespan, LIMIT)({"type": "lifespan"}, None, send))
    assert sent == [{"type": "lifespan"}]


def test_where_files_are_sent_more_may_come():
    capped = CappedBodies(reads_everything, LIMIT, {"/files/": 10 * LIMIT})
    assert [capped.limit_of(path) for path in ("/", "/files/1/", "/other/files/")] == [LIMIT, 10 * LIMIT, LIMIT]


def test_file_that_is_too_large_is_told_its_own_limit():
    status, _, body, _ = ask("/files/", [b"x" * ROOM] * 3)
    assert (status, body) == (413, b"More than 2,000 bytes were sent. Send a smaller file, or split it.")


@pytest.fixture
def listening():
    """The cap in front of an application on a real server; gives its port."""
    place = socket.create_server(("127.0.0.1", 0))
    capped = CappedBodies(reads_everything, LIMIT, {"/api/v1/collections/": 2 * LIMIT})
    server = uvicorn.Server(uvicorn.Config(capped, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    yield place.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    place.close()


@pytest.mark.parametrize("path", ["/api/v1/collections/1/documents/", "/knowledge/upload/1/"])
def test_whoever_sends_100_megabytes_and_only_then_reads_is_told_why(listening, path):
    """As browsers do: a connection that is cut instead shows them no sentence at all."""
    piece, count = b"x" * 1_000_000, 100
    asking = http.client.HTTPConnection("127.0.0.1", listening, timeout=30)
    asking.request("POST", path, iter([piece] * count), {"Content-Length": str(len(piece) * count)})
    answer = asking.getresponse()
    said = answer.read().decode()
    asking.close()
    assert answer.status == 413
    assert "Send" in said
    assert (answer.getheader("Content-Type") == "application/problem+json") is path.startswith("/api/")
