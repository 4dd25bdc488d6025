"""Envelopes for credentials: AES-256-GCM under a fresh key, itself wrapped by a key from the settings.

``settings.ENCRYPTION_KEYS`` is a list of ``id:base64`` pairs (32 bytes each); the first wraps, all of them unwrap, so a
key is rotated by putting a new one in front. The context (what the secret belongs to) is authenticated with it: an
envelope moved to another row does not open.
"""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12
WRAPPED = 32 + 16


class Unreadable(Exception):
    """The envelope was made under a key that is not configured, or for something else, or was altered."""


def _keys() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in settings.ENCRYPTION_KEYS:
        name, _, value = entry.partition(":")
        found[name] = base64.b64decode(value)
    if not found:
        raise Unreadable("No encryption key is configured; set ENCRYPTION_KEYS to id:base64 of 32 random bytes.")
    return found


def encrypt(plain: bytes, *, context: str) -> bytes:
    """Return ``plain`` in an envelope that opens only with the same ``context``."""
    name, master = next(iter(_keys().items()))
    own, wrap_nonce, nonce = os.urandom(32), os.urandom(NONCE), os.urandom(NONCE)
    bound = context.encode()
    wrapped = AESGCM(master).encrypt(wrap_nonce, own, bound)
    body = AESGCM(own).encrypt(nonce, plain, bound)
    return b"\x01" + bytes([len(name)]) + name.encode() + wrap_nonce + wrapped + nonce + body


def newest_key() -> str:
    """Return the name of the key that wraps now."""
    return next(iter(_keys()))


def key_of(envelope: bytes) -> str:
    """Return the name of the key that an envelope is wrapped by; empty where it is none of ours."""
    ours = len(envelope) >= 2 and envelope[0] == 1
    return envelope[2 : 2 + envelope[1]].decode(errors="replace") if ours else ""


def decrypt(envelope: bytes, *, context: str) -> bytes:
    """Open an envelope; raise :class:`Unreadable` where it cannot be opened."""
    if len(envelope) < 2 or envelope[0] != 1:
        raise Unreadable("This is no envelope of ours.")
    name, rest = key_of(envelope), envelope[2 + envelope[1] :]
    master = _keys().get(name)
    if master is None:
        raise Unreadable(f"The encryption key {name!r} is not configured; add it to ENCRYPTION_KEYS again.")
    wrap_nonce, wrapped = rest[:NONCE], rest[NONCE : NONCE + WRAPPED]
    nonce, body = rest[NONCE + WRAPPED : 2 * NONCE + WRAPPED], rest[2 * NONCE + WRAPPED :]
    try:
        own = AESGCM(master).decrypt(wrap_nonce, wrapped, context.encode())
        return AESGCM(own).decrypt(nonce, body, context.encode())
    except (InvalidTag, ValueError):  # ValueError where it was cut short
        raise Unreadable("The envelope was altered, or belongs to something else.") from None
