"""The demo's outside mail server: takes every message over SMTP, keeps it as a file, shows it as a small inbox.

``python -m config.demo.mail --smtp-port 2525 --http-port 8025 --folder var/mail``. It delivers nothing anywhere and
listens on loopback only. Countersign knows it as it knows any mail server: by a host, a port and SMTP.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.demo.inbox import RECEIVED, inbox_server
from workspaces.ids import uuid7

HOST: Final = "127.0.0.1"
MAX_BYTES: Final = 2_000_000


class Mailbox:
    """Writes each accepted message to its own file: whole or not at all, before the sender hears "250"."""

    def __init__(self, folder: Path, answer_after: float) -> None:
        self._folder = folder
        self._answer_after = answer_after
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Store the message with its envelope; answer 452 where it could not be stored."""
        content = envelope.original_content or b""
        to = ", ".join(envelope.rcpt_tos)
        trace = f"{RECEIVED}-From: {envelope.mail_from}\r\n{RECEIVED}-To: {to}\r\n".encode()
        name = str(uuid7())
        part = self._folder / f".{name}.part"
        try:
            with part.open("wb") as file:
                file.write(trace + content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / f"{name}.eml")
        except OSError as error:
            sys.stderr.write(f"The message could not be stored: {error}\n")
            return "452 4.3.1 The message could not be stored, try again later"
        await asyncio.sleep(self._answer_after)
        return f"250 2.0.0 Kept as {name}"


async def serve(smtp_port: int, http_port: int, folder: Path, answer_after: float = 0) -> None:
    """Serve both ports until SIGTERM or SIGINT; raise ``OSError`` where a port is taken."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    mailbox = Mailbox(folder, answer_after)
    web = inbox_server((HOST, http_port), folder)
    thread = Thread(target=web.serve_forever, kwargs={"poll_interval": 0.1})
    try:
        smtp = await loop.create_server(lambda: _smtp(mailbox), HOST, smtp_port)
        thread.start()
        port = smtp.sockets[0].getsockname()[1]
        _say(f"The demo's outside mail server: SMTP on {HOST}:{port}, inbox on http://{HOST}:{web.server_port}/")
        await stop.wait()
        smtp.close()
        _say("The demo's outside mail server has stopped.")
    finally:
        if thread.is_alive():
            web.shutdown()
            thread.join()
        web.server_close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.demo.mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--answer-after", type=float, default=0, help="seconds between keeping a message and saying so")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(serve(given.smtp_port, given.http_port, given.folder, given.answer_after))
    except OSError as error:
        sys.stderr.write(f"The demo's mail server cannot start: {error}. Choose other ports or another folder.\n")
        return 1
    return 0


def _smtp(mailbox: Mailbox) -> SMTP:
    return SMTP(mailbox, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="demo-mail", ident="Demo mail")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
