"""One e-mail message of plain text to one address, composed so that no argument can become anything but text.

What a person approved must be what the recipient reads: characters that reorder or hide text (bidirectional
overrides, controls, zero-width and tag characters) are refused with a sentence instead of being sent. So is text that
is written as an encoded word (RFC 2047): whoever reads it decodes it, and what it decodes to was never shown to
anybody. Everything else is encoded by the standard library's ``email`` package (RFC 6532 only where an address itself
needs it), and what it made is read back before it is sent.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final

from tools.connectors.base import Refused

MAX_ADDRESS: Final = 254
MAX_SUBJECT: Final = 255
DEFAULT_MAX_BODY: Final = 20_000
LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
HIDING: Final = re.compile(
    "[\u00ad\u034f\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
ENCODED: Final = "=?"
ROUTED: Final = frozenset("%!")


@dataclass(frozen=True, slots=True)
class Mail:
    """A composed message: envelope addresses, its id, its bytes, and whether an address needs SMTPUTF8."""

    sender: str
    recipient: str
    message_id: str
    content: bytes
    international: bool


def compose(options: Mapping[str, Any], arguments: Mapping[str, Any], key: str) -> Mail:
    """Return the message under these options; raise ``Refused`` with the first thing that cannot be sent."""
    sender, recipient = address(options.get("from"), "from"), address(arguments.get("to"), "to")
    _check_domain(recipient, options.get("recipient_domains"))
    subject, body = _subject(arguments.get("subject")), _body(arguments.get("body"), max_body(options))
    international = not (sender + recipient).isascii()
    form = (policy.SMTPUTF8 if international else policy.SMTP).clone(cte_type="7bit")
    message = EmailMessage(policy=form)
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    if options.get("reply_to"):
        message["Reply-To"] = address(options["reply_to"], "reply_to")
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id(options, key)
    message["X-Countersign-Action"] = _key(key)
    message.set_content(body, cte="quoted-printable")
    return Mail(sender, recipient, message_id(options, key), _faithful(message), international)


def _faithful(message: EmailMessage) -> bytes:
    """Return the message's bytes; raise ``Refused`` where a reader would find other headers than were written."""
    content = message.as_bytes()
    if message_from_bytes(content, policy=policy.compat32).keys() != message.keys():
        raise Refused("The message would carry headers that nobody wrote: write its subject and addresses plainly.")
    return content


def message_id(options: Mapping[str, Any], key: str) -> str:
    """Return the Message-ID that belongs to this key: the same for every attempt under it."""
    domain = address(options.get("from"), "from").rpartition("@")[2]
    return f"<{sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def address(value: Any, name: str) -> str:
    """Return one bare e-mail address with its domain in ASCII; raise ``Refused`` for anything more or less.

    A domain that IDNA (2003, the standard library's) would turn into another name than the one that was written, such
    as one with full-width letters, an ideographic full stop or “ß”, is refused: write it as ``xn--…``.
    """
    refusal = Refused(f"{name} is not one plain e-mail address such as name@example.com.")
    if not isinstance(value, str) or len(value) > MAX_ADDRESS or _hidden(value) or ENCODED in value:
        raise refusal
    local, _, written = value.rpartition("@")
    try:
        domain = written.encode("idna").decode("ascii").lower()
        same = written.isascii() or domain.encode().decode("idna") == unicodedata.normalize("NFC", written.lower())
        local.encode()
    except UnicodeError:
        raise refusal from None
    if not same:
        raise refusal
    labels = domain.split(".")
    if not LOCAL.fullmatch(local) or len(local.encode()) > 64 or not all(LABEL.fullmatch(label) for label in labels):
        raise refusal
    return f"{local}@{domain}"


def max_body(options: Mapping[str, Any]) -> int:
    """Return how many characters a body may have; raise ``Refused`` for an unusable option."""
    limit = options.get("max_body_length", DEFAULT_MAX_BODY)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= 1_000_000:
        raise Refused("The tool's option max_body_length must be a whole number up to 1000000: correct the tool.")
    return limit


def allowed_domains(options: Mapping[str, Any]) -> list[str]:
    """Return the domains that may be written to (empty: every one); raise ``Refused`` for an unusable option."""
    domains = options.get("recipient_domains")
    if domains is None:
        return []
    if not isinstance(domains, list) or not domains or not all(isinstance(domain, str) for domain in domains):
        raise Refused("The tool's option recipient_domains must list domains, or be left out: correct the tool.")
    return [address(f"x@{domain}", "recipient_domains").rpartition("@")[2] for domain in domains]


def _check_domain(recipient: str, domains: Any) -> None:
    allowed = allowed_domains({"recipient_domains": domains})
    local, _, domain = recipient.rpartition("@")
    if allowed and not ROUTED.isdisjoint(local):
        raise Refused("This address asks a mail server to pass the message on elsewhere (% or !): write a plain one.")
    if allowed and domain not in allowed:
        raise Refused(f"This tool may not write to {domain}: only to {', '.join(allowed)}.")


def _subject(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_SUBJECT:
        raise Refused(f"The subject must be text of 1 to {MAX_SUBJECT} characters.")
    if _hidden(value):
        raise Refused("The subject has a line break or a hidden character: write it without.")
    if ENCODED in value:
        raise Refused("The subject has “=?”, which mail programs decode into something else: write it without.")
    return value


def _body(value: Any, limit: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused("The body must be text.")
    if len(value) > limit:
        raise Refused(f"The body has {len(value)} characters; this tool sends at most {limit}.")
    text = re.sub(r"\r\n?", "\n", value)
    if _hidden(text.replace("\n", "").replace("\t", "")):
        raise Refused("The body has a control character, or one that hides or reorders text: write it without.")
    return text if text.endswith("\n") else text + "\n"


def _hidden(text: str) -> bool:
    return HIDING.search(text) is not None or any(
        character in REORDERING or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text
    )


def _key(key: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        raise Refused("The idempotency key is not printable ASCII without spaces.")
    return key
