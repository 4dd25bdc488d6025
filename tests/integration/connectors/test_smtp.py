"""Mail over real sockets: what arrives, and what each failure proves (DESIGN invariants 5 and 15)."""

import asyncio
import ipaddress
import socket
import ssl
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.connectors.wire import Script
from tests.timing import ends_within
from tools.connectors.base import NotSent, Refused, Target, Unknown
from tools.connectors.message import message_id
from tools.connectors.registry import operation
from tools.connectors.smtp import SmtpConnector

SEND = operation("smtp", "mail.send")
OPTIONS = {"from": "support@demo.example", "reply_to": "desk@demo.example"}
MAIL = {"to": "maria@example.com", "subject": "Your order", "body": "Hello Maria,\n.\nall done.\n"}
STAGES = {"greeting": "connect", "ehlo": "ehlo", "mail": "mail from", "rcpt": "rcpt to", "data": "data"}
STAGES |= {"content": "content", "dot": "final dot"}
PASSWORD = "s3cret+of/the=mail"


class Kept:
    """Keeps what arrives; answers DATA with ``answer``."""

    def __init__(self, answer="250 kept"):
        self.answer = answer
        self.envelopes = []

    async def handle_DATA(self, _server, _session, envelope):
        self.envelopes.append(envelope)
        return self.answer

    def message(self):
        return message_from_bytes(self.envelopes[-1].original_content, policy=policy.default)

    def text(self):
        return self.message().get_content().replace("\r\n", "\n")


@contextmanager
def mail_server(handler, **settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def target(port, *, options=None, secret=None, deadline=5.0, **config):
    parts = {"host": "127.0.0.1", "port": port, "security": "none", **config}
    return Target(parts, secret or {}, options or OPTIONS, deadline)


def send(port, mail=None, key="key-1", **settings):
    return SEND.execute(target(port, **settings), mail or MAIL, key=key, before=None)


def test_a_message_arrives_as_it_was_approved():
    kept = Kept()
    with mail_server(kept) as port:
        done = send(port)
    message = kept.message()
    assert kept.text() == MAIL["body"]
    assert [message[name] for name in ("From", "To", "Subject", "Reply-To", "X-Countersign-Action")] == [
        "support@demo.example", "maria@example.com", "Your order", "desk@demo.example", "key-1",
    ]  # fmt: skip
    assert message["Message-ID"] == done.result["message_id"] == message_id(OPTIONS, "key-1")
    assert (kept.envelopes[0].mail_from, kept.envelopes[0].rcpt_tos) == ("support@demo.example", ["maria@example.com"])
    assert done.result["answer"] == "250 kept"


def test_text_of_any_script_arrives_over_seven_bits():
    kept = Kept()
    mail = {"to": "maria@bücher.example", "subject": "Größe — 佐藤 😀", "body": "שלום\nمرحبا\n" + "ü" * 2000}
    with mail_server(kept) as port:
        send(port, mail)
    assert kept.envelopes[0].original_content.isascii()
    assert kept.message()["Subject"] == mail["subject"]
    assert kept.text() == mail["body"] + "\n"
    assert kept.envelopes[0].rcpt_tos == ["maria@xn--bcher-kva.example"]


def test_an_address_beyond_ascii_needs_a_server_that_takes_it():
    mail = {**MAIL, "to": "josé@example.com"}
    kept = Kept()
    with mail_server(kept, enable_SMTPUTF8=True) as port:
        send(port, mail)
    assert kept.envelopes[0].rcpt_tos == ["josé@example.com"]
    with mail_server(Kept(), enable_SMTPUTF8=False) as port, pytest.raises(Refused, match="ASCII"):
        send(port, mail)


@pytest.mark.parametrize(
    ("answers", "proves"),
    [
        ({"greeting": None}, NotSent),
        ({"greeting": "421 busy"}, NotSent),
        ({"greeting": "554 go away"}, Refused),
        ({"greeting": ...}, NotSent),
        ({"ehlo": None}, NotSent),
        ({"ehlo": "421 closing"}, NotSent),
        ({"mail": "451 later"}, NotSent),
        ({"mail": "550 no"}, Refused),
        ({"mail": None}, NotSent),
        ({"rcpt": "450 greylisted"}, NotSent),
        ({"rcpt": "550 no such user"}, Refused),
        ({"rcpt": None}, NotSent),
        ({"rcpt": ...}, NotSent),
        ({"data": "451 later"}, NotSent),
        ({"data": "554 no"}, Refused),
        ({"data": None}, NotSent),
        ({"content": ...}, NotSent),
        ({"dot": "421 closing"}, NotSent),
        ({"dot": "451 later"}, NotSent),
        ({"dot": "550 spam"}, Refused),
        ({"dot": None}, Unknown),
        ({"dot": ...}, Unknown),
        ({"dot": "hello"}, Unknown),
        ({"dot": "354 again"}, Unknown),
        ({"dot": "2" * 9000}, Unknown),
    ],
    ids=str,
)
def test_invariant_05_each_stage_proves_what_it_can(answers, proves):
    mail = {**MAIL, "body": "😀" * 400_000} if "content" in answers else MAIL
    with Script(**answers) as server, pytest.raises((NotSent, Refused, Unknown)) as failed:
        send(server.port, mail, deadline=0.5, options={**OPTIONS, "max_body_length": 1_000_000})
    assert type(failed.value) is proves
    assert [failed.value.evidence["stage"]] == [STAGES[name] for name in answers]
    assert failed.value.evidence["server"] == f"127.0.0.1:{server.port}"
    assert failed.value.__context__ is None


def test_a_goodbye_that_fails_takes_nothing_back():
    with Script(quit=None) as server:
        assert send(server.port).result["answer"] == "250 kept"


def test_a_server_that_drips_is_cut_at_the_deadline():
    class Slow(Kept):
        async def handle_RCPT(self, *_):
            while True:
                await asyncio.sleep(0.05)
                await _[0].push("250-more")

    def try_once():
        with mail_server(Slow()) as port, pytest.raises(NotSent):
            send(port, deadline=0.6)

    assert ends_within(3, try_once)


def test_nothing_listening_is_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent, match="could not be reached"):
        send(port)


def test_leading_dots_are_text():
    kept = Kept()
    with mail_server(kept) as port:
        send(port, {**MAIL, "body": ".\r\n..\r.hidden\nQUIT\r\n.\r\n"})
    assert kept.text() == ".\n..\n.hidden\nQUIT\n.\n"
    assert len(kept.envelopes) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-made certificate for 127.0.0.1: its PEM, and a server's context that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return pem.decode(), context


def sign_in(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


def test_starttls_and_sign_in(certificate):
    pem, context = certificate
    kept = Kept()
    secret = {"username": "desk", "password": PASSWORD}
    with mail_server(kept, tls_context=context, authenticator=sign_in, auth_required=True) as port:
        send(port, security="starttls", ca_pem=pem, secret=secret)
        assert "answered" in SmtpConnector().check(target(port, security="starttls", ca_pem=pem, secret=secret))
        with pytest.raises(Refused, match="renew it"):
            send(port, security="starttls", ca_pem=pem, secret={**secret, "password": "wrong"})
        with pytest.raises(Refused, match="protection"):
            send(port, security="starttls", secret=secret)
    assert len(kept.envelopes) == 1


def test_sign_in_uses_what_the_server_offers(certificate):
    pem, context = certificate
    kept = Kept()
    secret = {"username": "dèsk", "password": PASSWORD}
    server = {"tls_context": context, "authenticator": sign_in, "auth_required": True}
    with mail_server(kept, auth_exclude_mechanism=["PLAIN"], **server) as port:
        send(port, security="starttls", ca_pem=pem, secret=secret)
    with (
        mail_server(kept, auth_exclude_mechanism=["PLAIN", "LOGIN"], **server) as port,
        pytest.raises(Refused, match="protection or sign-in"),
    ):
        send(port, security="starttls", ca_pem=pem, secret=secret)
    assert len(kept.envelopes) == 1


def test_an_unknown_protection_is_refused():
    with pytest.raises(Refused, match="none, starttls or tls"):
        send(25, security="ssl")


def test_tls_from_the_first_byte(certificate):
    pem, context = certificate
    kept = Kept()
    with mail_server(kept, ssl_context=context) as port:
        send(port, security="tls", ca_pem=pem)
    assert len(kept.envelopes) == 1


def test_a_server_without_starttls_is_refused():
    with mail_server(Kept()) as port, pytest.raises(Refused, match="protection"):
        send(port, security="starttls")


def test_a_password_never_goes_out_in_the_clear():
    with Script() as server, pytest.raises(Refused, match="over TLS"):
        send(server.port, secret={"username": "desk", "password": PASSWORD})


def test_invariant_15_a_server_that_echoes_the_secret_shows_it_to_nobody(certificate):
    """It says the password at every later stage, plain and as it was coded on the wire."""
    pem, context = certificate

    class Echo(Kept):
        async def handle_RCPT(self, _server, _session, *_):
            return f"550 {PASSWORD} AGRlc2sAczNjcmV0K29mL3RoZT1tYWls"

    secret = {"username": "desk", "password": PASSWORD}
    with mail_server(Echo(), tls_context=context, authenticator=sign_in) as port, pytest.raises(Refused) as refused:
        send(port, security="starttls", ca_pem=pem, secret=secret)
    shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value.evidence)
    assert PASSWORD not in shown
    assert "AGRlc2sAczNjcmV0K29mL3RoZT1tYWls" not in shown
    assert "[hidden]" in shown
    assert PASSWORD not in repr(target(port, secret=secret))


def test_a_mail_server_cannot_be_asked():
    found = SEND.probe(target(25), MAIL, key="key-1", before=None)
    assert found.happened is None
    assert found.evidence == {
        "message_id": message_id(OPTIONS, "key-1"),
        "recipient": "maria@example.com",
        "server": "127.0.0.1:25",
        "stage": "final dot",
    }
