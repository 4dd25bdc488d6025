"""The demo mail server's inbox: what arrived, read-only, for people (HTML) and for programs (``/messages.json``).

Everything in a message is somebody else's text: it is escaped, never interpreted, and the pages forbid scripts,
frames, images and forms by their headers as well.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

RECEIVED: Final = "X-Demo-Envelope"
SHOWN: Final = 200
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1f23; --quiet: #5b636d; --paper: #fff; --line: #d9dde2; --link: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --quiet: #a2abb5; --paper: #15181b; --line: #343a41; --link: #8ab8f0 }
}
body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 760px; padding: 24px 16px; overflow-wrap: anywhere }
h1 { font-size: 20px } a { color: var(--link) } .quiet, dt { color: var(--quiet) }
ol { list-style: none; padding: 0 } li { border-top: 1px solid var(--line); padding: 12px 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px } dd { margin: 0 }
pre { white-space: pre-wrap; font: inherit; border-top: 1px solid var(--line); padding-top: 16px }
"""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message; ``envelope_*`` is what SMTP said, the rest is what the message says of itself."""

    id: str
    envelope_from: str
    envelope_to: str
    sender: str
    to: str
    subject: str
    message_id: str
    date: str
    headers: list[list[str]]
    body: str


def messages(folder: Path) -> Iterator[Message]:
    """Yield the stored messages, newest first (names are UUIDv7, so their order is that of arrival)."""
    for path in sorted(folder.glob("*.eml"), reverse=True)[:SHOWN]:
        yield _read(path)


def inbox_server(address: tuple[str, int], folder: Path) -> ThreadingHTTPServer:
    """Return the HTTP server of the inbox in ``folder``, bound and not yet serving."""

    class Handler(InboxHandler):
        inbox = folder

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    return server


class InboxHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the list, one message, the style, and JSON."""

    inbox: Path
    server_version = "DemoInbox"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a page."""
        path = urlsplit(self.path).path
        if path == "/":
            self._answer(_page("Inbox", _list(list(messages(self.inbox)))))
        elif path == "/messages.json":
            found = [asdict(message) for message in messages(self.inbox)]
            self._answer(json.dumps({"messages": found}), "application/json")
        elif path == "/style.css":
            self._answer(STYLE, "text/css")
        elif message := self._named(path):
            self._answer(_page(message.subject or "(no subject)", _detail(message)))
        else:
            body = '<p>There is no such message. <a href="/">See the inbox.</a></p>'
            self._answer(_page("Not found", body), status=HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the demo."""

    def _named(self, path: str) -> Message | None:
        try:
            file = self.inbox / f"{UUID(path.removeprefix('/messages/'))}.eml"
        except ValueError:
            return None
        return _read(file) if file.is_file() else None

    def _answer(self, text: str, kind: str = "text/html", status: HTTPStatus = HTTPStatus.OK) -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _read(path: Path) -> Message:
    raw = path.read_bytes()
    parsed = BytesParser(policy=policy.default.clone(utf8=True)).parsebytes(raw)
    return Message(
        id=path.stem,
        envelope_from=_header(parsed, f"{RECEIVED}-From"),
        envelope_to=_header(parsed, f"{RECEIVED}-To"),
        sender=_header(parsed, "From"),
        to=_header(parsed, "To"),
        subject=_header(parsed, "Subject"),
        message_id=_header(parsed, "Message-ID"),
        date=_header(parsed, "Date"),
        headers=[[name, _header(parsed, name)] for name in dict.fromkeys(parsed.keys())],
        body=_body(parsed, raw),
    )


def _header(message: EmailMessage, name: str) -> str:
    """Return a header as text; what cannot be parsed is shown as it stands."""
    try:
        value = str(message.get(name, ""))
    except Exception:  # the library's header parser raises many types on hostile input
        value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return value.encode("utf-8", "replace").decode()


def _body(message: EmailMessage, raw: bytes) -> str:
    try:
        part = message.get_body(preferencelist=("plain", "html"))
        text = str(part.get_content()) if part is not None else ""
    except Exception:  # unknown charsets, broken encodings: show the bytes rather than nothing
        text = raw.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n")


def _list(found: list[Message]) -> str:
    if not found:
        return "<p>Nothing has arrived yet. A message that Countersign sends appears here: load this page again.</p>"
    items = "".join(
        f'<li><a href="/messages/{escape(item.id)}"><bdi>{escape(item.subject or "(no subject)")}</bdi></a><br>'
        f'<span class="quiet">to <bdi>{escape(item.envelope_to)}</bdi> · {escape(item.date)}</span></li>'
        for item in found
    )
    return f'<p class="quiet">{len(found)} shown, newest first.</p><ol>{items}</ol>'


def _detail(item: Message) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi></dd>" for name, value in item.headers)
    return f'<p><a href="/">All messages</a></p><dl>{rows}</dl><pre dir="auto">{escape(item.body)}</pre>'


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · demo mail</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">'
        f'</head><body><p class="quiet">The demo\'s outside mail server. Nothing here was delivered anywhere.</p>'
        f"<h1><bdi>{escape(title)}</bdi></h1>{content}</body></html>"
    )
