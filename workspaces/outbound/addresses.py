"""Which addresses may be contacted: resolve once, check all, connect to what was checked."""

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from workspaces.errors import InvalidInput

RESOLVE_SECONDS: Final = 5.0

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HINT = "Use an address outside, or have an administrator list it in OUTBOUND_ALLOWED."
_AZURE_WIRE_SERVER = ipaddress.ip_address("168.63.129.16")  # a public address that serves instance secrets
_CARRYING = [  # IPv6 networks whose last 32 bits are an IPv4 address: compatible, translated, NAT64 (public and local)
    ipaddress.ip_network(network) for network in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/96")
]
_INSIDE = [  # left "global" by the library's tables: site-local, documentation, all of the local-use NAT64 prefix
    ipaddress.ip_network(network) for network in ("fec0::/10", "3fff::/20", "64:ff9b:1::/48")
]


@dataclass(frozen=True, slots=True)
class _Service:
    """One of our own services: its addresses, its names as configured, its port and (databases) its name."""

    hosts: frozenset[str]
    addresses: frozenset[Address]
    local: bool
    port: int
    database: str | None


def check_address(host: str, port: int, *, database: str | None = None, seconds: float = RESOLVE_SECONDS) -> str:
    """Return the address to connect to for ``host``; raise ``InvalidInput`` where connecting is not allowed.

    ``database`` is the name of the database that a PostgreSQL connector wants: another database on our own server may
    be used where ``host:port`` is listed in ``OUTBOUND_ALLOWED``. Connect to what is returned, never to ``host``. The
    name server has ``seconds`` to answer.
    """
    try:
        addresses = resolve(host, port, seconds)
    except OSError as error:
        raise InvalidInput(
            f"The name {host[:253]!r} could not be resolved.", "Check the spelling, and that the name server knows it."
        ) from error
    for address in addresses:
        _refuse_own_services(host, address, port, database)
        _refuse_inside(host, address, port)
    return str(addresses[0])


def resolve(host: str, port: int, seconds: float = RESOLVE_SECONDS) -> list[Address]:
    """Return every address of ``host``, in the resolver's order; raise ``OSError`` where there is none in time."""
    _require_plausible(host, port)
    try:
        return [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        return _ask_name_server(host, port, seconds)


def _require_plausible(host: str, port: int) -> None:
    if not host or host.startswith("/") or len(host) > 253 or "\x00" in host:
        raise InvalidInput("This is not the name of a machine.", "Give a host name or an IP address, without a path.")
    if not 0 < port < 65536:
        raise InvalidInput(f"{port} is not a port.", "Give a port between 1 and 65535.")


def _ask_name_server(host: str, port: int, seconds: float) -> list[Address]:
    """Resolve in a thread of its own, because ``getaddrinfo`` knows no timeout."""
    answers: queue.Queue[list[Address] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found])
        except OSError as error:
            answers.put(error)
        except (UnicodeError, ValueError) as error:  # a label of more than 63 characters, say
            answers.put(OSError(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0))
    except queue.Empty as error:
        raise TimeoutError("The name server did not answer in time.") from error
    if isinstance(answer, OSError):
        raise answer
    if not answer:
        raise OSError("The name has no address.")
    return list(dict.fromkeys(answer))


def _refuse_inside(host: str, address: Address, port: int) -> None:
    if _is_outside(address) or _is_listed(host, address, port):
        return
    raise InvalidInput(f"{host} leads to {address}, an address inside our own network, so it was not contacted.", _HINT)


def _is_outside(address: Address) -> bool:
    """Return whether ``address``, and any IPv4 address wrapped in it, is on the public internet."""
    return all(
        item.is_global
        and not item.is_multicast
        and item != _AZURE_WIRE_SERVER
        and not any(item in network for network in _INSIDE)
        for item in (address, *_wrapped(address))
    )


def _wrapped(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address carries (mapped, compatible, translated, 6to4, Teredo)."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _CARRYING):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [item for item in found if item is not None]


def _is_listed(host: str, address: Address, port: int) -> bool:
    return any(
        _entry_matches(entry.strip(), host, address, port) for entry in getattr(settings, "OUTBOUND_ALLOWED", ())
    )


def _entry_matches(entry: str, host: str, address: Address, port: int) -> bool:
    if "/" in entry:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, _, number = entry.rpartition(":")
    return number == str(port) and _plain(name) in {_plain(host), str(address)}


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _refuse_own_services(host: str, address: Address, port: int, database: str | None) -> None:
    ours = [item for item in _own_databases() if _is_at(item, host, address, port)]
    other = bool(database) and all(item.database != database for item in ours)
    if ours and not (other and _is_listed_exactly(host, address, port)):
        raise InvalidInput(
            "This is Countersign's own database, which no connection may reach.",
            "Use another server; another database on this one must be listed as host:port in OUTBOUND_ALLOWED.",
        )
    if any(_is_at(item, host, address, port) for item in _own_brokers()):
        raise InvalidInput("This is Countersign's own broker, which no connection may reach.", "Use another server.")


def _is_listed_exactly(host: str, address: Address, port: int) -> bool:
    entries = [entry for entry in getattr(settings, "OUTBOUND_ALLOWED", ()) if "/" not in entry]
    return any(_entry_matches(entry.strip(), host, address, port) for entry in entries)


def _is_at(service: _Service, host: str, address: Address, port: int) -> bool:
    if service.port != port:
        return False
    if _plain(host) in service.hosts:
        return True
    candidates = {address, *_wrapped(address)}
    return bool(candidates & service.addresses) or (service.local and any(map(_is_this_machine, candidates)))


def _is_this_machine(address: Address) -> bool:
    """Return whether ``address`` is one of this machine's own: only those can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return address.is_loopback
    return True


def _own_databases() -> list[_Service]:
    found = []
    for config in settings.DATABASES.values():
        hosts = str(config.get("HOST") or "").split(",")
        ports = str(config.get("PORT") or 5432).split(",")
        for position, host in enumerate(hosts):
            port = ports[position] if position < len(ports) else ports[0]
            found.append(_service(host, int(port or 5432), str(config.get("NAME") or "")))
    return found


def _own_brokers() -> list[_Service]:
    url = urlsplit(str(getattr(settings, "REDIS_URL", "") or ""))
    if url.scheme not in {"redis", "rediss", "valkey", "valkeys"}:
        return []
    return [_service(url.hostname or "localhost", url.port or 6379, None)]


def _service(host: str, port: int, database: str | None) -> _Service:
    """Describe our own service; one on a Unix socket may listen on this machine's addresses too."""
    if not host or host.startswith(("/", "@")):
        return _Service(frozenset(), frozenset(), True, port, database)
    try:
        addresses = frozenset(resolve(host, port))
    except (OSError, InvalidInput):
        addresses = frozenset()
    local = any(item.is_loopback or item.is_unspecified for item in addresses)
    return _Service(frozenset({_plain(host)}), addresses, local, port, database)
