"""One conversation with a mail server, stage by stage, because the stage says what a failure proves.

A server may deliver a message only after the line with the single dot that ends it (RFC 5321, 4.1.1.4 and 4.5.3.2.6).
So that dot is sent by itself, last: a failure before it proves that nothing was delivered, and silence after it proves
nothing. An answer always counts: 5xx refuses for good, 4xx refuses for now, and neither delivers.
"""

import base64
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final

from tools.connectors.base import ConnectorError, NotSent, Refused, Target, Unknown
from tools.connectors.deadline import Deadline, endpoint, resolve
from tools.connectors.message import Mail
from tools.connectors.redaction import redact

PROTECTIONS: Final = ("none", "starttls", "tls")


class Client(smtplib.SMTP):
    """The standard client on a socket that was opened elsewhere, under a name that needs no look-up."""

    def __init__(self, host: str) -> None:
        super().__init__(local_hostname="[127.0.0.1]")
        self._host = host

    def attach(self, connected: socket.socket) -> tuple[int, bytes]:
        """Speak over this socket and return the server's greeting."""
        self.sock = connected
        return self.getreply()


@dataclass(slots=True)
class Session:
    """A conversation under one deadline; ``stage`` is the last thing that was begun."""

    target: Target
    deadline: Deadline
    stage: str = "connect"

    @property
    def security(self) -> str:
        """How the connection is protected: ``none``, ``starttls`` or ``tls``."""
        return str(self.target.config.get("security") or "starttls")

    @property
    def server(self) -> str:
        """Where the connection leads, for people."""
        return f"{self.target.config.get('host')}:{self.target.config.get('port')}"

    def run(self, mail: Mail | None) -> str:
        """Sign in, send ``mail`` if there is one, and return the server's last answer as text.

        Raises ``NotSent``, ``Refused`` or ``Unknown`` outside the library's handlers, so that no frame which holds
        the credential hangs on the exception.
        """
        failure: ConnectorError
        connected = self._open()
        try:
            with connected, self.deadline.watch(connected.fileno()):
                return self._converse(connected, mail)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            failure = self._failed(error)
        raise failure

    def _open(self) -> socket.socket:
        if self.security not in PROTECTIONS:
            raise Refused("The connection's security must be none, starttls or tls: correct the connection.")
        if self.security == "none" and self.target.secret.get("password"):
            raise Refused("A password is sent over TLS only: set the connection's security to starttls or tls.")
        host, port = endpoint(self.target.config)
        address = resolve(self.target.config, host, port, self.deadline)
        try:
            return socket.create_connection((address, port), timeout=self.deadline.require())
        except OSError:
            failure = NotSent(
                f"The mail server {self.server} could not be reached: check that it runs.", self.evidence()
            )
        raise failure

    def _converse(self, connected: socket.socket, mail: Mail | None) -> str:
        host = str(self.target.config["host"])
        client = Client(host)
        if self.security == "tls":
            connected = self._context().wrap_socket(connected, server_hostname=host)
        try:
            self._expect(client.attach(connected), 220)
            self._greet(client, host)
            self._sign_in(client)
            return self._send(client, mail) if mail else self._idle(client)
        finally:
            client.close()

    def _greet(self, client: Client, host: str) -> None:
        self.stage = "ehlo"
        client.ehlo_or_helo_if_needed()
        if self.security == "starttls":
            self.stage = "starttls"
            self._expect(client.starttls(context=self._context()), 220)
            client.ehlo_or_helo_if_needed()

    def _sign_in(self, client: Client) -> None:
        """Sign in by one mechanism and once: servers lock accounts that try (RFC 4616 says UTF-8)."""
        secret = self.target.secret
        if not secret.get("password"):
            return
        self.stage = "login"
        user, password = str(secret.get("username") or ""), str(secret["password"])
        offered = client.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            self._expect(client.docmd("AUTH", f"PLAIN {_coded(f'{chr(0)}{user}{chr(0)}{password}')}"), 235)
        elif "LOGIN" in offered:
            self._expect(client.docmd("AUTH", "LOGIN"), 334)
            self._expect(client.docmd(_coded(user)), 334)
            self._expect(client.docmd(_coded(password)), 235)
        else:
            raise smtplib.SMTPNotSupportedError

    def _idle(self, client: Client) -> str:
        self.stage = "noop"
        return self._expect(client.noop(), 250)

    def _send(self, client: Client, mail: Mail) -> str:
        if mail.international and not client.has_extn("smtputf8"):
            raise Refused(
                "The mail server takes only addresses in ASCII letters: use another address.", self.evidence()
            )
        self.stage = "mail from"
        self._expect(client.mail(mail.sender, ["SMTPUTF8"] if mail.international else []), 250)
        self.stage = "rcpt to"
        self._expect(client.rcpt(mail.recipient), 250, 251)
        self.stage = "data"
        self._expect(client.docmd("DATA"), 354)
        self.stage = "content"
        client.send(dotted(mail.content))
        self.deadline.require()
        self.stage = "final dot"
        client.send(b".\r\n")
        return self._expect(client.getreply(), *range(200, 300))

    def _context(self) -> ssl.SSLContext:
        pem = self.target.config.get("ca_pem")
        return ssl.create_default_context(cadata=str(pem) if pem else None)

    def _expect(self, answer: tuple[int, bytes], *codes: int) -> str:
        code, said = answer[0], answer[1].decode("utf-8", "replace")
        if code not in codes:
            raise smtplib.SMTPResponseException(code, said)
        return redact(f"{code} {said}", self.target.secret)

    def _failed(self, error: Exception) -> ConnectorError:
        """Class a failure by its stage and by the server's answer, if there was one."""
        code = getattr(error, "smtp_code", -1)
        genuine = isinstance(error, smtplib.SMTPResponseException)
        if self.stage == "final dot" and (code not in range(400, 600) or self._invented(error)):
            return Unknown(
                "The message was handed over and the mail server did not say what became of it.", self.evidence()
            )
        said = redact(_text(error), self.target.secret) if self.stage != "login" and genuine else ""
        evidence = self.evidence(code=code, said=said)
        if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
            return Refused("The mail server does not offer the protection or sign-in that is asked for.", evidence)
        if self.stage == "login" and code in range(500, 600):
            return Refused(f"The credential was refused: renew it ({self.server}).", evidence)
        if code in range(500, 600):
            return Refused(f"The mail server refused ({self.stage}): {code} {said}".strip(), evidence)
        return NotSent(f"The mail server did not take the message ({self.stage}); nothing was sent.", evidence)

    @staticmethod
    def _invented(error: Exception) -> bool:
        """Whether the library made the code up (it answers 500 by itself to an endless line)."""
        return getattr(error, "smtp_error", "") == "Line too long."

    def evidence(self, **more: Any) -> dict[str, Any]:
        """Return what may be shown of this conversation."""
        return {"server": self.server, "stage": self.stage, **more}


def dotted(content: bytes) -> bytes:
    """Return message bytes with every line ending in CRLF and leading dots doubled (RFC 5321, 4.5.2)."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines)


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _text(error: Exception) -> str:
    said = getattr(error, "smtp_error", "")
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
