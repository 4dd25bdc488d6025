"""Connector kind ``smtp``: sends one plain e-mail to one address, through any mail server.

Nothing can be read back, nothing can be undone, and a mail server cannot be asked later: what is unknown stays unknown
until a person settles it. The message carries the action's key (``X-Countersign-Action``) and a Message-ID derived from
it, so that a person can look for it in the recipient's mailbox or the server's log.

Options of ``mail.send``: ``from``, and optionally ``reply_to``, ``recipient_domains``, ``max_body_length``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tools.connectors.base import Done, Operation, Probe, Target
from tools.connectors.columns import object_schema
from tools.connectors.deadline import Deadline
from tools.connectors.message import MAX_ADDRESS, MAX_SUBJECT, address, allowed_domains, compose, max_body, message_id
from tools.connectors.options import check_options
from tools.connectors.smtp_session import Session
from tools.states import Effect, Idempotency

Json = dict[str, Any]


class MailSend:
    """Send one message; it cannot be taken back."""

    name: ClassVar[str] = "mail.send"
    effect: ClassVar[Effect] = Effect.IRREVERSIBLE
    egress: ClassVar[bool] = True
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.NONE

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return ``to``, ``subject`` and ``body``, all required."""
        check_options(options, "from", "reply_to", "recipient_domains", "max_body_length")
        address(options.get("from"), "The tool's option from")
        if options.get("reply_to"):
            address(options["reply_to"], "The tool's option reply_to")
        allowed_domains(options)
        properties = {
            "to": {"type": "string", "format": "email", "minLength": 3, "maxLength": MAX_ADDRESS},
            "subject": {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT, "pattern": r"^[^\r\n\x00]+$"},
            "body": {"type": "string", "minLength": 1, "maxLength": max_body(options), "pattern": r"^[^\x00]+$"},
        }
        return object_schema(properties, required=["to", "subject", "body"])

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return None: a mailbox cannot be read."""
        return None

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Hand the message to the server; the result has its id, its recipient and the server's answer."""
        mail = compose(target.options, arguments, key)
        answer = Session(target, Deadline(target.deadline_seconds)).run(mail)
        return Done({"message_id": mail.message_id, "recipient": mail.recipient, "answer": answer})

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return None: a mailbox cannot be read."""
        return None

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Answer that nobody can tell, with what a person needs to look for the message."""
        evidence = {
            "message_id": message_id(target.options, key),
            "recipient": arguments.get("to"),
            "server": Session(target, Deadline(0)).server,
            "stage": "final dot",
        }
        return Probe(
            None,
            "A mail server cannot be asked whether it delivered a message: look for the Message-ID in its log or ask"
            " the recipient.",
            evidence,
        )

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: a message cannot be taken back."""
        return None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return None: there is no state to compare."""
        return None


class SmtpConnector:
    """Any mail server that takes messages over SMTP."""

    kind: ClassVar[str] = "smtp"
    title: ClassVar[str] = "Mail server (SMTP)"
    config_schema: ClassVar[Json] = object_schema(
        {
            "host": {"type": "string", "minLength": 1, "maxLength": 253},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "security": {"enum": ["none", "starttls", "tls"], "default": "starttls"},
            "ca_pem": {"type": "string", "description": "Certificates to trust instead of the system's, as PEM"},
        },
        required=["host", "port", "security"],
    )
    secret_schema: ClassVar[Json] = object_schema(
        {"username": {"type": "string"}, "password": {"type": "string", "minLength": 1}}, required=[]
    )
    operations: ClassVar[Mapping[str, Operation]] = {"mail.send": MailSend()}

    def check(self, target: Target) -> str:
        """Sign in, send NOOP and return a sentence; raise ``NotSent`` or ``Refused``."""
        session = Session(target, Deadline(target.deadline_seconds))
        return f"The mail server {session.server} answered: {session.run(None)}."
