"""Which address and which verbs an endpoint may have, as far as that can be said without asking the network.

Where a name leads to is looked up at every delivery, by the outbound guard, and never here.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from audit.ledger.models import VERB_PATTERN
from workspaces.errors import InvalidInput
from workspaces.outbound import check_address

LONGEST = 500
MAX_VERBS = 50
_VERB = re.compile(VERB_PATTERN)
_FAMILY = re.compile(r"^[a-z][a-z0-9_]*\.\*$")


def checked_url(text: str) -> str:
    """Return the address without blanks around it; raise ``InvalidInput`` with the field and what to change."""
    url = text.strip()
    if not 0 < len(url) <= LONGEST or not (url.isascii() and url.isprintable()) or " " in url:
        raise _refused(f"An address has 1 to {LONGEST} plain characters and no blanks.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise _refused("This is not an address such as https://example.org/hooks.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise _refused("An address begins with https:// and names a machine.")
    if parts.port == 0:
        raise _refused("0 is not a port.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("Leave user name, password and # out of the address: what is sent is signed instead.")
    if parts.scheme == "http" and f"{host}:{port}" not in settings.OUTBOUND_ALLOWED:
        raise _refused("Use https://: over http everybody on the way can read what is sent.")
    _check_literal(host, port)
    return url


def _check_literal(host: str, port: int) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    try:
        check_address(host, port)
    except InvalidInput as error:
        raise InvalidInput(error.message, error.hint, {"url": [error.message]}) from error


def checked_verbs(verbs: Iterable[str]) -> list[str]:
    """Return the verbs in order and once each; raise ``InvalidInput`` for what no event can be called."""
    found = sorted(set(verbs))
    wrong = [verb for verb in found if len(verb) > 100 or not (_VERB.fullmatch(verb) or _FAMILY.fullmatch(verb))]
    wrong += [verb for verb in found if verb.startswith("delivery.")]
    if wrong or len(found) > MAX_VERBS:
        sentence = (
            f"Name at most {MAX_VERBS} verbs such as request.opened, or families such as action.*; "
            "what is told of deliveries themselves is not sent."
        )
        raise InvalidInput("These events cannot be chosen.", sentence, {"verbs": [sentence]})
    return found


def _refused(sentence: str) -> InvalidInput:
    return InvalidInput("This address cannot be used for a webhook.", sentence, {"url": [sentence]})
