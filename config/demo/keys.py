"""The demo's own secrets: made once, kept in ``var/keys.json`` for this user alone."""

import base64
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from config.services.running import write_record


def ensure(var: Path) -> dict[str, str]:
    """Return the demo's keys as environment variables, making those that are missing."""
    path = var / "keys.json"
    keys: dict[str, str] = {}
    with suppress(OSError, ValueError):
        keys = json.loads(path.read_text())
    missing = {name: value for name, value in fresh().items() if name not in keys}
    if missing:
        keys |= missing
        write_record(path, dict(keys))
    return keys


def fresh() -> dict[str, str]:
    """Return new keys: Django's, that which wraps credentials, the ledger's seed, the CRM role's, the payments'."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": "demo:" + base64.b64encode(os.urandom(32)).decode(),
        "LEDGER_SIGNING_KEY": base64.b64encode(os.urandom(32)).decode(),
        "DEMO_CRM_PASSWORD": secrets.token_urlsafe(24),
        "DEMO_PAYMENTS_KEY": "sk_test_" + secrets.token_hex(24),
    }
