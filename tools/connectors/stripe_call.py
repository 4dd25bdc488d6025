"""The way into a Stripe account: checks the connection's address, opens a link under one deadline, closes it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from tools.connectors.base import Refused, Target
from workspaces.outbound import guarded_client

if TYPE_CHECKING:
    from tools.connectors.stripe_link import Link

T = TypeVar("T")

BASE_URL: Final = "https://api.stripe.com"
MAX_BYTES: Final = 8 * 1024 * 1024
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def call(target: Target, use: Callable[["Link"], T]) -> T:
    """Return what ``use`` makes of a link to Stripe; the link ends with it, and so does the time."""
    from tools.connectors.stripe_link import Link

    base_url = address(target)
    with guarded_client(deadline_seconds=target.deadline_seconds, max_bytes=MAX_BYTES) as client:
        return use(Link(target, base_url, client))


def address(target: Target) -> str:
    """Return the address of the API; raise ``Refused`` for one that is none, or over which a key would go openly."""
    base_url = str(target.config.get("base_url") or BASE_URL).rstrip("/")
    try:
        parts = urlsplit(base_url)
        plain = bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or parts.username)
        _ = parts.port
    except ValueError:
        raise Refused("The connection's base_url is not an address: correct the connection.") from None
    if not plain or parts.scheme not in {"https", "http"}:
        raise Refused("The connection's base_url must be https:// and a host name: correct the connection.")
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise Refused("An API key is sent over TLS only: begin the connection's base_url with https://.")
    return base_url
