"""The outbound guard: every connection that Countersign opens at somebody's wish passes here.

An address typed into a form, or returned by a name server, must not lead into our own network. So a name is resolved
once, every address it has is checked, and the connection is made to the checked address itself: a second answer of the
name server changes nothing. Private, loopback, link-local, metadata, shared, multicast and unspecified addresses are
refused unless ``settings.OUTBOUND_ALLOWED`` lists them (``host:port``, or a network such as ``10.2.0.0/16``). Our own
broker is always refused, and so is our own database; ``check_address`` says how another database on the same server
may be used. For HTTP, ``guarded_client`` adds what an HTTP library leaves open: no redirects, no proxies from the
environment, no compression, and caps on size and on the wall-clock time of the whole exchange.
"""

from workspaces.outbound.addresses import check_address
from workspaces.outbound.http import Exchange, GuardedClient, guarded_client

__all__ = ["Exchange", "GuardedClient", "check_address", "guarded_client"]
