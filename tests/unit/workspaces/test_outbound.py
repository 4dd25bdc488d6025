"""Which addresses the outbound guard lets through."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from workspaces.errors import InvalidInput
from workspaces.outbound import check_address, guarded_client


@pytest.fixture
def own_database(settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Place our own database, named countersign, at a host and a port."""

    def place(host: str, port: str) -> None:
        for key, value in {"HOST": host, "PORT": port, "NAME": "countersign"}.items():
            monkeypatch.setitem(settings.DATABASES["default"], key, value)

    return place


@pytest.fixture(autouse=True)
def _elsewhere(settings, own_database: Callable[[str, str], None]) -> None:
    own_database("10.9.9.9", "5432")
    settings.REDIS_URL = "redis://10.9.9.9:6379/0"
    settings.OUTBOUND_ALLOWED = []


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Stand in for the name server: a name's addresses, and how often it was asked under ``asked``."""
    known: dict[str, list[str]] = {"asked": []}
    ask = socket.getaddrinfo

    def answer(host: str, port: int, *rest: Any, **named: Any) -> Any:
        if host.replace(".", "").isdigit():
            return ask(host, port, *rest, **named)
        known["asked"].append(host)
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(None, None, None, None, (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_address_is_returned(address: str) -> None:
    assert check_address(address, 443) == address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe", "192.0.2.1", "240.0.0.1", "[::1]",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b:1:ffff::1", "fec0::1", "3fff::1",
    ],
)  # fmt: skip
def test_invariant_15_address_inside_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_address(address, 443)
    assert caught.value.hint


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_old_spellings_of_an_inner_address_are_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(host, 443)


def test_one_inner_address_among_many_refuses_the_name(names: dict[str, list[str]]) -> None:
    names["mixed.example"] = ["93.184.216.34", "10.0.0.1"]
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.1"):
        check_address("mixed.example", 443)


def test_name_is_resolved_once_and_pinned(names: dict[str, list[str]]) -> None:
    names["api.example"] = ["93.184.216.34"]
    assert check_address("api.example", 443) == "93.184.216.34"
    assert names["asked"] == ["api.example"]


@pytest.mark.parametrize(
    "host", ["absent.example", "", "/var/run/postgresql", "a" * 300, "a\x00b", f"{'x' * 70}.example"]
)
def test_name_that_leads_nowhere_is_refused(names: dict[str, list[str]], host: str) -> None:
    with pytest.raises(InvalidInput):
        check_address(host, 443)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(InvalidInput, match="port"):
        check_address("93.184.216.34", port)


@pytest.mark.parametrize("entry", ["10.1.2.3:25", "mail.internal:25", "MAIL.internal.:25", "10.1.0.0/16"])
def test_listed_address_is_allowed(settings, names: dict[str, list[str]], entry: str) -> None:
    names["mail.internal"] = ["10.1.2.3"]
    settings.OUTBOUND_ALLOWED = [entry]
    assert check_address("mail.internal", 25) == "10.1.2.3"


@pytest.mark.parametrize("entry", ["10.1.2.3:26", "other.internal:25", "10.2.0.0/16", "nonsense", "x/y", ":25", ""])
def test_entry_for_something_else_does_not_count(settings, names: dict[str, list[str]], entry: str) -> None:
    names["mail.internal"] = ["10.1.2.3"]
    settings.OUTBOUND_ALLOWED = [entry]
    with pytest.raises(InvalidInput):
        check_address("mail.internal", 25)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.3.3"])
@pytest.mark.parametrize("own", ["localhost", "127.0.0.1", "", "/run/postgresql"])
def test_invariant_15_own_database_is_refused_even_when_listed(settings, own_database, host: str, own: str) -> None:
    own_database(own, "5433")
    settings.OUTBOUND_ALLOWED = ["127.0.0.0/8", "::1/128", f"{host}:5433"]
    for database in (None, "", "countersign"):
        with pytest.raises(InvalidInput, match="own database"):
            check_address(host, 5433, database=database)


def test_other_database_on_our_server_needs_an_exact_entry(settings, own_database) -> None:
    own_database("127.0.0.1", "5433")
    settings.OUTBOUND_ALLOWED = ["127.0.0.0/8"]
    with pytest.raises(InvalidInput, match="own database"):
        check_address("127.0.0.1", 5433, database="crm")
    settings.OUTBOUND_ALLOWED = ["127.0.0.1:5433"]
    assert check_address("127.0.0.1", 5433, database="crm") == "127.0.0.1"


@pytest.mark.parametrize("url", ["redis://localhost:6390/2", "rediss://:secret@127.0.0.1:6390"])
def test_invariant_15_own_broker_is_always_refused(settings, url: str) -> None:
    settings.REDIS_URL = url
    settings.OUTBOUND_ALLOWED = ["127.0.0.1:6390", "127.0.0.0/8"]
    with pytest.raises(InvalidInput, match="broker"):
        check_address("127.0.0.1", 6390, database="1")


def test_broker_on_a_socket_has_no_address(settings) -> None:
    settings.REDIS_URL = "unix:///run/valkey.sock"
    settings.OUTBOUND_ALLOWED = ["127.0.0.1:6379"]
    assert check_address("127.0.0.1", 6379) == "127.0.0.1"


def test_own_database_by_a_second_name_is_refused(settings, own_database, names: dict[str, list[str]]) -> None:
    names |= {"db.internal": ["10.1.1.1"], "alias.example": ["10.1.1.1"]}
    own_database("db.internal", "")
    settings.OUTBOUND_ALLOWED = ["10.0.0.0/8", "alias.example:5432"]
    for host in ("db.internal", "alias.example", "10.1.1.1", "::ffff:10.1.1.1"):
        with pytest.raises(InvalidInput, match="own database"):
            check_address(host, 5432)


def test_slow_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30) and [])
    with pytest.raises(InvalidInput, match="resolved"):
        check_address("slow.example", 443, seconds=0.05)
    answered.set()


def test_client_follows_no_redirect(settings, httpserver) -> None:
    settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{httpserver.port}"]
    httpserver.expect_request("/here").respond_with_data("", 302, {"location": "/there"})
    with guarded_client(deadline_seconds=5) as client:
        assert client.get(httpserver.url_for("/here")).status_code == 302
    assert client.exchange.sent


def test_client_connects_to_the_checked_address(settings, httpserver, names: dict[str, list[str]]) -> None:
    names["api.example"] = ["127.0.0.1"]
    settings.OUTBOUND_ALLOWED = [f"api.example:{httpserver.port}"]
    httpserver.expect_request("/").respond_with_data("yes")
    with guarded_client(deadline_seconds=5) as client:
        assert client.get(f"http://api.example:{httpserver.port}/").text == "yes"
    assert names["asked"].count("api.example") == 1


def test_client_refuses_an_inner_address_before_sending(httpserver) -> None:
    with guarded_client(deadline_seconds=5) as client, pytest.raises(InvalidInput):
        client.get(httpserver.url_for("/"))
    assert (client.exchange.sent, httpserver.log) == (False, [])


def test_client_stops_at_its_size(settings, httpserver) -> None:
    settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{httpserver.port}"]
    httpserver.expect_request("/").respond_with_data("x" * 100_000)
    with guarded_client(deadline_seconds=5, max_bytes=10_000) as client, pytest.raises(httpx2.ReadError):
        client.get(httpserver.url_for("/"))
    assert client.exchange.overfull


def test_client_whose_time_is_up_does_not_connect(settings, httpserver) -> None:
    settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{httpserver.port}"]
    with guarded_client(deadline_seconds=0) as client, pytest.raises(httpx2.ConnectTimeout):
        client.get(f"http://127.0.0.1:{httpserver.port}/")
    assert httpserver.log == []


def test_client_does_not_wait_for_a_reader_that_does_not_read(settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{listener.getsockname()[1]}"]
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with guarded_client(deadline_seconds=1) as client, pytest.raises(httpx2.WriteTimeout):
            client.post(url, content=b"x" * 50_000_000)


def test_every_reserved_network_is_refused() -> None:
    for text in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15"):
        network = ipaddress.ip_network(text)
        for address in (network[1], network[-2]):
            with pytest.raises(InvalidInput):
                check_address(str(address), 443)


def test_tls_is_asked_for_by_name_and_not_trusted_blindly(
    settings, names: dict[str, list[str]], tmp_path: Path
) -> None:
    """The connection goes to the pinned address, but the certificate must be the name's."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        names["api.example"] = ["127.0.0.1"]
        settings.OUTBOUND_ALLOWED = [f"api.example:{port}"]
        thread = threading.Thread(target=serve_tls_once, args=(listener, context))
        thread.start()
        with guarded_client(deadline_seconds=5) as client, pytest.raises(httpx2.ConnectError, match="certificate"):
            client.get(f"https://api.example:{port}/")
        thread.join(60)
    assert asked == ["api.example"]
    assert not client.exchange.sent


def serve_tls_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        context.wrap_socket(connection, server_side=True).close()


def self_signed(folder: Path) -> Path:
    """Write a certificate for api.example and its key into one file, and return it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "api.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return path
