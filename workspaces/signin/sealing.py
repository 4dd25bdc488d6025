"""Second factors at rest: django-allauth keeps their secrets in envelopes of ours, each bound to its person."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import UUID

from allauth.mfa.adapter import DefaultMFAAdapter

from workspaces import crypto

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator

NAMES = ("secret", "seed")
"""What django-allauth calls its secrets: of the app that makes codes, and of the recovery codes."""

_whose: ContextVar[UUID] = ContextVar("whose second factor")


@contextmanager
def belonging_to(user_id: UUID) -> Iterator[None]:
    """Say whose secrets are sealed and opened meanwhile: django-allauth's hooks are told the text alone."""
    token = _whose.set(user_id)
    try:
        yield
    finally:
        _whose.reset(token)


class SealingAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # django-allauth is not typed
    """What ``MFA_ADAPTER`` names."""

    def encrypt(self, text: str) -> str:
        return seal(text, _whose.get())

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, _whose.get())

    def get_totp_issuer(self) -> str:
        return "Countersign"


def seal(text: str, user_id: UUID) -> str:
    """Return ``text`` in an envelope that opens for this person alone."""
    return base64.b64encode(crypto.encrypt(text.encode(), context=_context(user_id))).decode()


def unseal(sealed: str, user_id: UUID) -> str:
    """Open an envelope; raise :class:`~workspaces.crypto.Unreadable` for somebody else's, or without its key."""
    return crypto.decrypt(envelope(sealed), context=_context(user_id)).decode()


def envelope(sealed: str) -> bytes:
    """Return the envelope as bytes."""
    return base64.b64decode(sealed)


def rewrapped(row: "Authenticator", newest: str) -> dict[str, str]:
    """Return the secrets of ``row`` that another key than ``newest`` wraps, wrapped anew."""
    old = {name: row.data[name] for name in NAMES if name in row.data}
    return {
        name: seal(unseal(text, row.user_id), row.user_id)
        for name, text in old.items()
        if crypto.key_of(envelope(text)) != newest
    }


def _context(user_id: UUID) -> str:
    return f"second factor:{user_id}"
