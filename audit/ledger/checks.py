"""Tells at start-up, in words, when the ledger could not be sealed or witnessed."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from audit.ledger.errors import SigningKeyMissing
from audit.ledger.signing import public_keys, signer


@register("ledger")
def ledger_settings(**_: Any) -> list[CheckMessage]:
    """Report an unusable key always, and a missing key or witness outside DEBUG and tests."""
    found: list[CheckMessage] = []
    relaxed = settings.DEBUG or getattr(settings, "TESTING", False)
    try:
        public_keys()
        if not relaxed:
            signer()
    except SigningKeyMissing as error:
        found.append(Error(str(error), id="ledger.E001"))
    if not relaxed and not getattr(settings, "LEDGER_WITNESS_FILE", ""):
        found.append(
            Warning(
                "LEDGER_WITNESS_FILE is not set: whoever rules the database could replace the whole ledger unseen.",
                hint="Name a file on another machine's storage, or one that is copied away.",
                id="ledger.W001",
            )
        )
    return found
