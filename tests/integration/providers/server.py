"""A model server on loopback that says exactly what a test scripts, byte by byte and pause by pause."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Hang:
    """In a script: say nothing more until the test ends."""


class Drip:
    """In a script: a comment line every 20 ms until the client has gone, or for so many seconds."""

    def __init__(self, seconds: float = 30) -> None:
        self.times = int(seconds / 0.02)


class Flood:
    """In a script: these bytes again and again until the client has gone."""

    def __init__(self, data: bytes) -> None:
        self.data = data


Script = Iterable[bytes | Hang | Drip | Flood]


@dataclass
class ModelServer:
    """Answers every request with ``script``, and remembers the requests."""

    script: Script = ()
    requests: list[Seen] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def stop(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.requests.append(_read(connection))
                for part in self.script:
                    for data in self._bytes(part):
                        connection.sendall(data)
            except OSError:
                return

    def _bytes(self, part: bytes | Hang | Drip | Flood) -> Iterator[bytes]:
        if isinstance(part, bytes):
            yield part
        elif isinstance(part, Flood):
            while not self.over.is_set():
                yield part.data
        elif isinstance(part, Drip):
            for _ in range(part.times):
                if not self.over.wait(0.02):
                    yield b": still here\n\n"
        else:
            self.over.wait(30)


def _read(connection: socket.socket) -> Seen:
    stream = connection.makefile("rb")
    path = stream.readline().decode().split(" ")[1]
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Seen(path, headers, json.loads(body) if body else {})


def answer(body: bytes, status: str = "200 OK", **headers: str) -> list[bytes]:
    """Return a whole response with its length."""
    headers = {"content-type": "application/json", **headers, "content-length": str(len(body))}
    return [_head(status, headers), body]


def stream(*parts: bytes | Hang | Drip | Flood) -> list[bytes | Hang | Drip | Flood]:
    """Return an event stream that ends when the connection does, as HTTP/1.0 servers and many proxies send it."""
    return [_head("200 OK", {"content-type": "text/event-stream"}), *parts]


def chunked(body: bytes, *, whole: bool = True) -> list[bytes]:
    """Return an event stream in chunks; not ``whole`` leaves out the end, as a broken connection does."""
    head = _head("200 OK", {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    return [head, f"{len(body):x}\r\n".encode(), body, b"\r\n", *([b"0\r\n\r\n"] if whole else [])]


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join([*lines, "connection: close"]) + "\r\n\r\n").encode()
