"""HTTP through the outbound guard: an ``httpx2`` client that connects to checked addresses only, within caps.

The caps are enforced at the socket, below the HTTP library: a server that drips a byte a second resets every timeout
that an HTTP library has, but cannot outlive ``Exchange.deadline``.
"""

import functools
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpcore2
import httpx2

from workspaces.errors import InvalidInput
from workspaces.outbound.addresses import RESOLVE_SECONDS, check_address

MAX_BYTES: Final = 32 * 1024 * 1024

_WRITE_BYTES: Final = 16 * 1024


@dataclass(slots=True)
class Exchange:
    """What one guarded client may still use, and what it has done: seconds (monotonic) and bytes received."""

    deadline: float
    max_bytes: int
    received: int = 0
    sent: bool = False
    refusal: InvalidInput | None = None

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.deadline

    @property
    def overfull(self) -> bool:
        return self.received > self.max_bytes

    def seconds_left(self, timeout: float | None) -> float:
        """Return the seconds that the next blocking call may take; zero when the time is up."""
        left = max(self.deadline - time.monotonic(), 0.0)
        return left if timeout is None else min(left, timeout)


class GuardedClient(httpx2.Client):
    """An ``httpx2.Client`` with its ``exchange``: whether anything was sent, and which cap stopped it."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        super().__init__(
            transport=_Transport(exchange),
            headers={"Accept-Encoding": "identity"},
            timeout=max(exchange.seconds_left(None), 0.001),
            follow_redirects=False,
            trust_env=False,
        )


def guarded_client(*, deadline_seconds: float, max_bytes: int = MAX_BYTES) -> GuardedClient:
    """Open a client for one exchange that ends, whatever the server does, ``deadline_seconds`` from now.

    At most ``max_bytes`` are read. A refused address raises ``InvalidInput``; everything else raises ``httpx2`` errors.
    """
    _ssl_context()  # reading the certificates takes a while the first time, which is not the server's
    return GuardedClient(Exchange(time.monotonic() + deadline_seconds, max_bytes))


class _Transport(httpx2.HTTPTransport):
    """The library's transport over a pool that connects through the guard."""

    def __init__(self, exchange: Exchange) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_ssl_context(), max_connections=4, network_backend=_Backend(exchange), http1=True, http2=False
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            response.close()
            raise httpx2.RemoteProtocolError("The server compressed its answer although it was asked not to.")
        return response


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


class _Backend(httpcore2.NetworkBackend):
    """Connects to checked addresses only, over streams that count bytes and seconds."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        address = self._checked(host, port)
        seconds = self._exchange.seconds_left(timeout)
        if not seconds:
            raise httpcore2.ConnectTimeout("The time for this call is up.")
        stream = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
        return _Stream(stream, self._exchange)

    def _checked(self, host: str, port: int) -> str:
        try:
            return check_address(host, port, seconds=self._exchange.seconds_left(RESOLVE_SECONDS))
        except InvalidInput as error:
            if isinstance(error.__cause__, OSError):
                raise httpcore2.ConnectError(error.message) from error
            self._exchange.refusal = error
            raise

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None
    ) -> NoReturn:
        raise InvalidInput("Sockets of this machine are not reached over HTTP.", "Give a host name and a port.")


class _Stream(httpcore2.NetworkStream):
    """A network stream that stops at the exchange's caps."""

    def __init__(self, stream: httpcore2.NetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._exchange.seconds_left(timeout)
        if not seconds:
            raise httpcore2.ReadTimeout("The time for this call is up.")
        data = self._stream.read(max_bytes, seconds)
        self._exchange.received += len(data)
        if self._exchange.overfull:
            raise httpcore2.ReadError("The answer is larger than what is accepted.")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            seconds = self._exchange.seconds_left(timeout)
            if not seconds:
                raise httpcore2.WriteTimeout("The time for this call is up.")
            self._exchange.sent = True
            self._stream.write(buffer[start : start + _WRITE_BYTES], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = self._exchange.seconds_left(timeout)
        if not seconds:
            raise httpcore2.ConnectTimeout("The time for this call is up.")
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
