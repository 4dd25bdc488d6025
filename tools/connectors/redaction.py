"""Keeps secrets out of what a connector says: sentences, evidence, results (DESIGN invariant 15).

Connectors do not put secrets into their words; but a server may echo what it was sent, so everything that a server
said passes through here before anybody can read it.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

HIDDEN = "[hidden]"


def redact(text: str, secret: Mapping[str, Any]) -> str:
    """Return ``text`` with every value of ``secret`` hidden, also where it is Base64 or percent-encoded."""
    values = [str(value) for name, value in secret.items() if value and name != "username"]
    forms = {form for value in values for form in _forms(value, str(secret.get("username", "")))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _forms(value: str, username: str) -> set[str]:
    plain = f"\0{username}\0{value}"
    coded = {base64.b64encode(text.encode()).decode() for text in (value, plain)}
    return {value, quote(value, safe=""), repr(value)[1:-1], *coded}
