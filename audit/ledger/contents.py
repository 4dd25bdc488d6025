"""The exact content that digests, Merkle leaves and signatures cover; ``docs/verify_ledger.py`` repeats it alone.

A change here is a new format: what was sealed before must still verify.
"""

import hashlib
from typing import Any
from uuid import UUID

from audit.ledger.canonical import canonical, digest, instant
from audit.ledger.models import Event, Seal

Place = tuple[int, int, int]

NO_PREVIOUS = "0" * 64


def event_content(event: Event) -> dict[str, Any]:
    """Return what an event's digest covers."""
    subject = (event.subject_type, event.subject_id)
    return covered(event.id, event.workspace_id, instant(event.at), event.actor, event.verb, subject, event.body)


def covered(
    event_id: UUID, workspace_id: UUID, at: str, actor: str, verb: str, subject: tuple[str, str], body: Any
) -> dict[str, Any]:
    """Return the same of an event that is no row yet; ``at`` is what ``instant`` returns."""
    subject_type, subject_id = subject
    return {
        "id": str(event_id),
        "workspace": str(workspace_id),
        "at": at,
        "actor": actor,
        "verb": verb,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "body": body,
    }


def event_digest(event: Event) -> str:
    """Return the digest that ``event`` must carry, computed from its own columns."""
    return digest(event_content(event))


def event_place(event: Event) -> Place:
    """Return where ``event`` stands: (epoch, txid, sequence)."""
    return (event.epoch, event.txid, event.sequence)


def leaf(place: Place, event_digest: str) -> bytes:
    """Return an event's Merkle leaf: its place and its digest, so that a seal covers every column."""
    epoch, txid, sequence = place
    return f"{epoch}/{txid}/{sequence}/{event_digest}".encode()


def seal_content(seal: Seal) -> dict[str, Any]:
    """Return what a seal's digest and signature cover."""
    return {
        "kind": "seal",
        "format": 1,
        "id": str(seal.id),
        "workspace": str(seal.workspace_id),
        "number": seal.number,
        "epoch": seal.epoch,
        "first": [seal.first_txid, seal.first_sequence],
        "last": [seal.last_txid, seal.last_sequence],
        "events": seal.event_count,
        "merkle_root": seal.merkle_root,
        "previous": seal.previous,
        "at": instant(seal.at),
        "key_id": seal.key_id,
    }


def seal_bytes(seal: Seal) -> bytes:
    """Return the canonical bytes that are signed."""
    return canonical(seal_content(seal))


def seal_digest(seal: Seal) -> str:
    """Return the digest by which the next seal and the witness name this one."""
    return hashlib.sha256(seal_bytes(seal)).hexdigest()


def event_line(event: Event) -> dict[str, Any]:
    """Return an event as it is exported."""
    place = {"epoch": event.epoch, "txid": event.txid, "sequence": event.sequence}
    return {"kind": "event", **event_content(event), **place, "digest": event.digest}


def seal_line(seal: Seal) -> dict[str, Any]:
    """Return a seal as it is exported and offered to the witness."""
    return {**seal_content(seal), "digest": seal.digest, "signature": seal.signature}
