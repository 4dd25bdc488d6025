"""One wall-clock deadline over a whole call, kept even where a library would wait longer.

Server-side timeouts need a server that still listens, and socket timeouts start again with every byte. So a call has
a ``Deadline``: names are resolved under it, and a watchdog shuts the socket when it has passed, which wakes whoever
waits on it. Nothing can be sent through a socket that is shut: a call that was given up cannot act later.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tools.connectors.base import NotSent, Refused


class Deadline:
    """A moment on the monotonic clock, ``seconds`` from now."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, at least zero."""
        return max(0.0, self._at - time.monotonic())

    def require(self) -> float:
        """Return the seconds left; raise ``NotSent`` where there are none."""
        left = self.remaining()
        if left <= 0:
            raise NotSent("The time for this call was over before anything was asked. Try again.")
        return left

    @contextmanager
    def watch(self, descriptor: int) -> Iterator[None]:
        """Shut the socket behind ``descriptor`` should the deadline pass inside the block.

        The watchdog holds its own duplicate, so a number that is used again by another thread is never shut.
        """
        guarded = socket.socket(fileno=os.dup(descriptor))
        timer = threading.Timer(self.remaining(), _shut, args=(guarded,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            guarded.close()


def _shut(guarded: socket.socket) -> None:
    try:
        guarded.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker


def endpoint(config: Mapping[str, Any]) -> tuple[str, int]:
    """Return the host and port of ``config``; raise ``Refused`` for what could be read as two hosts or none.

    There is no default port: the outbound guard checks a host and a port, so both must be said.
    """
    host, port = config.get("host"), config.get("port")
    if not isinstance(host, str) or not host or any(c in ",;%\\" or c.isspace() or not c.isprintable() for c in host):
        raise Refused("The connection's host is not one host name or address: correct the connection.")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise Refused("The connection's port is not a number from 1 to 65535: correct the connection.")
    return host, port


def resolve(config: Mapping[str, Any], host: str, port: int, deadline: Deadline) -> str:
    """Return the address to connect to: the pinned ``hostaddr``, or the first one that the name stands for.

    The resolver of the system cannot be interrupted, so it runs in a thread that is left alone at the deadline.
    """
    if pinned := config.get("hostaddr"):
        return str(pinned)
    found: list[str] = []
    thread = threading.Thread(target=_look_up, args=(host, port, found), daemon=True)
    thread.start()
    thread.join(deadline.require())
    if not found:
        raise NotSent(f"The name {host} stands for no address, or nobody answered in time. Check the host name.")
    return found[0]


def _look_up(host: str, port: int, found: list[str]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    found.extend(str(address[0]) for *_, address in answers)
