"""What a wrong setting would do, said at start-up with the way out.

``manage.py`` runs checks by itself; the web server and the worker call `refuse_to_serve`, so that a forgotten key stops
the start and not the first customer.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET = 32
SHORTEST_TOKEN = 16
KEY_BYTES = 32


@register(Tags.security)
def secrets_are_set(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse to serve with no SECRET_KEY or ENCRYPTION_KEYS of our own, outside of DEBUG and tests."""
    found: list[CheckMessage] = []
    if settings.DEBUG or settings.TESTING:
        return found
    if settings.SECRET_KEY == settings.UNSET_SECRET_KEY or len(settings.SECRET_KEY) < SHORTEST_SECRET:
        found.append(
            Error(
                f"SECRET_KEY is not set, or shorter than {SHORTEST_SECRET} characters: sessions could be forged.",
                hint="Set SECRET_KEY to the output of `openssl rand -base64 48`; on your own machine DEBUG=1 does.",
                id="config.E001",
            )
        )
    if not settings.ENCRYPTION_KEYS:
        found.append(
            Error(
                "ENCRYPTION_KEYS is not set: the credentials of connections cannot be kept.",
                hint="Set it to NAME:KEY with KEY from `openssl rand -base64 32`, for example k1:mZ...=.",
                id="config.E002",
            )
        )
    return found


@register(Tags.security)
def encryption_keys_are_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse entries of ENCRYPTION_KEYS that are not ``name:base64`` of 32 bytes, without showing them."""
    return [
        Error(
            f"Entry {number} of ENCRYPTION_KEYS is not NAME:KEY with KEY the base64 of {KEY_BYTES} bytes.",
            hint="Make a key with `openssl rand -base64 32`; separate several by commas, the newest first.",
            id="config.E003",
        )
        for number, entry in enumerate(settings.ENCRYPTION_KEYS, 1)
        if not _is_key(entry)
    ]


@register(Tags.security)
def hosts_are_named(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse ``*`` as a host: links in messages are built from what the request claims."""
    if "*" not in settings.ALLOWED_HOSTS or settings.DEBUG:
        return []
    hint = "Set ALLOWED_HOSTS to the names that people type, for example countersign.example.com."
    return [Error("ALLOWED_HOSTS accepts every host name.", hint=hint, id="config.E004")]


@register(Tags.security)
def metrics_token_is_long(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a token for the metrics that can be guessed."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= SHORTEST_TOKEN:
        return []
    hint = "Set it to the output of `openssl rand -hex 24`, or leave it out: then there is no /metrics."
    return [Error(f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters.", hint=hint, id="config.E005")]


@register(Tags.security)
def issuer_is_whole(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse an issuer without what it knows us by, or one whose answers anybody on the way could change."""
    if not settings.OIDC_ISSUER:
        return []
    found: list[CheckMessage] = []
    if not settings.OIDC_CLIENT_ID or not settings.OIDC_CLIENT_SECRET:
        hint = "Set both to what the issuer gave for Countersign, or leave OIDC_ISSUER out."
        found.append(
            Error("OIDC_ISSUER is set without OIDC_CLIENT_ID or OIDC_CLIENT_SECRET.", hint=hint, id="config.E007")
        )
    if not settings.OIDC_ISSUER.startswith("https://") and not (settings.DEBUG or settings.TESTING):
        hint = "Give the address that its description names as `issuer`, with https://."
        found.append(Error("OIDC_ISSUER is no https address.", hint=hint, id="config.E008"))
    return found


@register(Tags.security)
def log_format_is_known(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a form of logs that we do not write."""
    if settings.LOG_FORMAT in {"json", "text"}:
        return []
    return [Error(f"LOG_FORMAT is {settings.LOG_FORMAT!r}.", hint="Set it to json or text.", id="config.E006")]


def _is_key(entry: str) -> bool:
    name, _, key = entry.partition(":")
    try:
        return bool(name) and len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def refuse_to_serve() -> None:
    """Raise `ImproperlyConfigured` with every error of the security checks and how to mend it."""
    errors = [message for message in run_checks(tags=[Tags.security, "ledger"]) if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(f"{error.msg} {error.hint or ''}" for error in errors))
