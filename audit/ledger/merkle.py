"""Merkle tree hashes (RFC 6962, section 2.1): leaves and nodes are hashed apart, so none passes for the other."""

import hashlib
from collections.abc import Iterable

LEAF = b"\x00"
NODE = b"\x01"


def root(leaves: Iterable[bytes]) -> str:
    """Return the tree hash of ``leaves`` in their order, as 64 hexadecimal digits.

    Pairing level by level with an odd last node carried up unchanged gives the tree that the RFC defines by splitting
    at the largest power of two.
    """
    level = [hashlib.sha256(LEAF + data).digest() for data in leaves]
    if not level:
        return hashlib.sha256().hexdigest()
    while len(level) > 1:
        carried = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [hashlib.sha256(NODE + left + right).digest() for left, right in pairs] + carried
    return level[0].hex()
