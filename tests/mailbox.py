"""A real SMTP server on loopback whose mailbox tests can read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """Keeps what arrives; ``drop_after_data`` cuts the connection when a message has arrived, before any answer.

    ``at_data`` is called in a thread of its own when a message has arrived, and the answer waits for its end.
    """

    messages: list[EmailMessage] = field(default_factory=list)
    drop_after_data: bool = False
    refuse: str = ""
    at_data: Callable[[], object] | None = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        if self.at_data is not None:
            await asyncio.to_thread(self.at_data)
        if self.drop_after_data:
            server.transport.abort()
        return "250 Accepted"


class OnFreePort(Controller):
    """A controller that finds out which port it was given before it tries it."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """A server with a mailbox, on a free port unless it is to come back on one that it had."""

    def __init__(self, port: int = 0) -> None:
        self.mailbox = Mailbox()
        self.controller = OnFreePort(self.mailbox, hostname="127.0.0.1", port=port)

    @property
    def port(self) -> int:
        return self.controller.port

    def empty(self) -> None:
        """Begin a new mailbox; what still arrives for the one before goes there."""
        self.mailbox = self.controller.handler = Mailbox()

    def __enter__(self) -> "MailServer":
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()
