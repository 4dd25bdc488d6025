"""Loopback servers that misbehave at a chosen moment, with the true wire formats and no sleeping."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress


class Listener:
    """Accepts connections on loopback and hands each to ``self.handle`` in a thread."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for each in [self._listening, *self._sockets]:
            cut(each)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def keep(self, connected: socket.socket) -> socket.socket:
        self._sockets.append(connected)
        return connected

    def start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listening.accept()
                self.start(self._guarded, self.keep(connected))

    def _guarded(self, connected: socket.socket) -> None:
        with suppress(OSError):
            self.handle(connected)

    def handle(self, connected: socket.socket) -> None:
        raise NotImplementedError


class Proxy(Listener):
    """Forwards to PostgreSQL until the client sends ``marker``; then does what ``then`` says.

    ``deliver``: pass it on, and cut when the server's answer comes. ``swallow``: cut at once. ``stall``: pass it on and
    never say anything again. ``hold``: pass nothing on and never say anything again.
    """

    def __init__(self, host: str, port: int, marker: bytes, then: str) -> None:
        super().__init__()
        self._upstream = (host, port)
        self._marker, self._then = marker, then
        self.met = threading.Event()

    def handle(self, connected: socket.socket) -> None:
        upstream = self.keep(self._connect())
        self.start(self._answers, upstream, connected)
        while chunk := connected.recv(65536):
            if self._marker in chunk:
                self.met.set()
                if self._then == "swallow":
                    break
                if self._then == "hold":
                    self.over.wait(30)
                    break
            upstream.sendall(chunk)
        cut(upstream)
        cut(connected)

    def _answers(self, upstream: socket.socket, connected: socket.socket) -> None:
        with suppress(OSError):
            while chunk := upstream.recv(65536):
                if not self.met.is_set():
                    connected.sendall(chunk)
                elif self._then == "deliver":
                    break
        if self._then != "stall" or not self.met.is_set():
            cut(connected)

    def _connect(self) -> socket.socket:
        host, port = self._upstream
        if host.startswith("/"):
            connected = socket.socket(socket.AF_UNIX)
            connected.connect(f"{host}/.s.PGSQL.{port}")
            return connected
        return socket.create_connection((host, port))


class SignInRefused(Listener):
    """Speaks PostgreSQL up to the password, and answers it with one ErrorResponse."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__()
        self._sqlstate, self._message = sqlstate, message
        self.heard = b""

    def handle(self, connected: socket.socket) -> None:
        connected.recv(65536)
        connected.sendall(b"R" + struct.pack("!ii", 8, 3))
        self.heard = connected.recv(65536)
        fields = f"SFATAL\0VFATAL\0C{self._sqlstate}\0M{self._message}\0\0".encode()
        connected.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
        cut(connected)


class Script(Listener):
    """A mail server that answers each line as told; ``None`` cuts, ``...`` says nothing until the end."""

    def __init__(self, **answers: object) -> None:
        super().__init__()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._answers: dict[str, object] = {
            "greeting": "220 demo",
            "ehlo": "250 demo",
            "mail": "250 ok",
            "rcpt": "250 ok",
        }
        self._answers |= {"data": "354 go on", "dot": "250 kept", "quit": "221 bye", "auth": "235 in"} | answers
        self.content = b""

    def handle(self, connected: socket.socket) -> None:
        file = connected.makefile("rb")
        if not self._say(connected, "greeting"):
            return
        while line := file.readline():
            verb = line.split()[0].decode().lower() if line.split() else ""
            if not self._say(connected, verb):
                return
            if verb == "data" and not self._take(connected, file):
                return

    def _take(self, connected, file) -> bool:
        if self._answers.get("content") is ...:
            self.over.wait(30)
            return False
        while (line := file.readline()) not in {b".\r\n", b""}:
            self.content += line
        return line == b".\r\n" and self._say(connected, "dot")

    def _say(self, connected: socket.socket, stage: str) -> bool:
        answer = self._answers.get(stage, "502 what")
        if answer is ...:
            self.over.wait(30)
            return False
        if answer is None:
            cut(connected)
            return False
        connected.sendall(str(answer).encode() + b"\r\n")
        if str(answer).startswith("421"):
            cut(connected)
            return False
        return True


def cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
    connected.close()
