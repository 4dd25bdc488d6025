"""Ed25519 keys of the seals: one signs, older public ones stay known so that old seals verify."""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from audit.ledger.errors import SigningKeyMissing

HINT = 'Make one with "manage.py seal_ledger --new-key" and keep it where the database cannot reach it.'


@dataclass(frozen=True)
class Signer:
    """The key that signs new seals."""

    private_key: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        """Return the public key as base64 of its 32 bytes: what a verifier is given."""
        return base64.b64encode(self.private_key.public_key().public_bytes_raw()).decode()

    @property
    def key_id(self) -> str:
        """Return the first 16 hexadecimal digits of the SHA-256 of the public key."""
        return key_id(self.private_key.public_key())

    def sign(self, message: bytes) -> str:
        """Return the signature over ``message`` as base64."""
        return base64.b64encode(self.private_key.sign(message)).decode()


def signer() -> Signer:
    """Return the key of ``settings.LEDGER_SIGNING_KEY``; raise ``SigningKeyMissing`` where there is none."""
    seed = getattr(settings, "LEDGER_SIGNING_KEY", "")
    if not seed:
        raise SigningKeyMissing(f"LEDGER_SIGNING_KEY is not set, so nothing can be sealed. {HINT}")
    return Signer(Ed25519PrivateKey.from_private_bytes(_key_bytes("LEDGER_SIGNING_KEY", seed)))


def new_seed() -> str:
    """Return a fresh signing key for ``settings.LEDGER_SIGNING_KEY``."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the short name of a public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def public_keys() -> dict[str, Ed25519PublicKey]:
    """Return every public key that a seal may be signed with, by key id."""
    keys = [
        Ed25519PublicKey.from_public_bytes(_key_bytes("LEDGER_PUBLIC_KEYS", text))
        for text in getattr(settings, "LEDGER_PUBLIC_KEYS", [])
    ]
    if getattr(settings, "LEDGER_SIGNING_KEY", ""):
        keys.append(signer().private_key.public_key())
    return {key_id(key): key for key in keys}


def is_signed(key: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    """Return whether ``signature`` (base64) over ``message`` was made with the private half of ``key``."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _key_bytes(setting: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise SigningKeyMissing(f"{setting} holds something else than base64 of 32 bytes. {HINT}")
    return key
