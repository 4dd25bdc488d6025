"""What the tests put between us and any outside system: it happens there, and the caller only sees the time run out."""

import socket
import threading
from contextlib import suppress

from tests.integration.connectors.wire import Listener, cut


class Silence(Listener):
    """Passes everything on to a port of the loopback, and its answers back.

    The first connection over which ``marker`` is sent hears nothing any more from then on, though what it sends still
    arrives; later ones are served as ever.
    """

    def __init__(self, port: int, marker: bytes) -> None:
        super().__init__()
        self._upstream, self._marker = port, marker
        self.fallen = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def handle(self, connected: socket.socket) -> None:
        upstream = self.keep(socket.create_connection(("127.0.0.1", self._upstream)))
        silent, said = threading.Event(), b""
        self.start(self._answer, upstream, connected, silent)
        while chunk := connected.recv(65536):
            said = said[-len(self._marker) :] + chunk
            if self._marker in said and not self.fallen.is_set():
                silent.set()
                self.fallen.set()
            upstream.sendall(chunk)
        if not silent.is_set():
            cut(upstream)

    def _answer(self, upstream: socket.socket, connected: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while chunk := upstream.recv(65536):
                if not silent.is_set():
                    connected.sendall(chunk)
        if not silent.is_set():
            cut(connected)
