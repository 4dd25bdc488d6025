"""Verifies the ledger against its seals, the keys and the witness, and says in sentences what is wrong.

``docs/verify_ledger.py`` does the same from an exported file, for someone who trusts neither us nor this code.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from audit.ledger import merkle, witness
from audit.ledger.contents import NO_PREVIOUS, Place, event_digest, event_place, leaf, seal_bytes, seal_digest
from audit.ledger.errors import UnusableEvent
from audit.ledger.models import Event, Seal
from audit.ledger.signing import is_signed, public_keys

MAX_PROBLEMS = 100


@dataclass
class Report:
    """What was found in one workspace's ledger; it is sound where ``problems`` is empty."""

    workspace_id: UUID
    sealed: int = 0
    unsealed: int = 0
    seals: int = 0
    sentences: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    omitted: int = 0

    def problem(self, sentence: str) -> None:
        """Add a problem; beyond ``MAX_PROBLEMS`` they are only counted."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)
        else:
            self.omitted += 1


class _Stretches:
    """Hands out a workspace's events once, in their order, stretch by stretch."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._events: Iterator[Event] = iter(events)
        self._next = next(self._events, None)

    def before(self, place: Place) -> Iterator[Event]:
        """Yield the next events that stand before ``place``."""
        while self._next is not None and event_place(self._next) < place:
            yield self._take(self._next)

    def rest(self) -> Iterator[Event]:
        """Yield what is left."""
        while self._next is not None:
            yield self._take(self._next)

    def _take(self, event: Event) -> Event:
        self._next = next(self._events, None)
        return event


def workspaces() -> list[UUID]:
    """Return every workspace that has an event, a seal, or a seal at the witness."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workspace_id FROM ledger_event UNION SELECT workspace_id FROM ledger_seal")
        found = {row[0] for row in cursor.fetchall()}
    return sorted(found | set(witness.witnessed()))


def ordered_events(workspace_id: UUID) -> Iterator[Event]:
    """Return the workspace's events in their order, without holding them in memory."""
    events = Event.objects.filter(workspace_id=workspace_id).order_by("epoch", "txid", "sequence")
    return events.iterator(chunk_size=2000)


def ordered_seals(workspace_id: UUID) -> list[Seal]:
    """Return the workspace's seals in their order."""
    return list(Seal.objects.filter(workspace_id=workspace_id).order_by("number"))


def verify(workspace_id: UUID) -> Report:
    """Verify every event and seal of the workspace; an unreadable witness raises ``OSError``.

    The witness is read first: a seal is in the ledger before it is there, also one that is made meanwhile.
    """
    report = Report(workspace_id)
    witnessed = witness.witnessed().get(workspace_id, {})
    seals = ordered_seals(workspace_id)
    report.seals = len(seals)
    _verify_chain(seals, report)
    _verify_witness(seals, witnessed, report)
    stretches = _Stretches(ordered_events(workspace_id))
    for seal in seals:
        _verify_stretch(seal, stretches, report)
    for event in stretches.rest():
        report.unsealed += 1
        _verify_event(event, report)
    _summarise(report)
    return report


def is_genuine(seal: Seal) -> bool | None:
    """Tell whether the seal is as it was signed; None where its key is not known here. Its events are not looked at."""
    key = public_keys().get(seal.key_id)
    if key is None:
        return None
    return seal.digest == seal_digest(seal) and is_signed(key, seal.signature, seal_bytes(seal))


def _verify_chain(seals: list[Seal], report: Report) -> None:
    keys = public_keys()
    number, previous, last = 0, NO_PREVIOUS, (0, 0, 0)
    for seal in seals:
        name = f"Seal {seal.number}"
        if seal.number != number + 1:
            report.problem(f"Seals {number + 1} to {seal.number - 1} are missing: they were removed.")
        elif seal.previous != previous:
            report.problem(f"{name} does not continue seal {number}: one of them was replaced.")
        if seal.digest != seal_digest(seal):
            report.problem(f"{name} was edited: its digest is not that of its content.")
        if (key := keys.get(seal.key_id)) is None:
            report.problem(
                f"{name} is signed with the unknown key {seal.key_id}: add it to LEDGER_PUBLIC_KEYS if it is yours."
            )
        elif not is_signed(key, seal.signature, seal_bytes(seal)):
            report.problem(f"{name} carries a wrong signature.")
        if not last < _first(seal) <= _last(seal):
            report.problem(f"{name} covers a stretch that does not follow the one before it.")
        number, previous, last = seal.number, seal.digest, _last(seal)


def _verify_witness(seals: list[Seal], witnessed: dict[int, str], report: Report) -> None:
    held = {seal.number: seal.digest for seal in seals}
    for number, digest in sorted(witnessed.items()):
        if number not in held:
            report.problem(f"Seal {number} was witnessed, but is no longer in the ledger: the ledger was truncated.")
        elif held[number] != digest:
            report.problem(f"Seal {number} is not the one that was witnessed: the ledger was rewritten.")
    if witnessed:
        report.sentences.append(f"The witness holds {len(witnessed)} of {len(seals)} seals.")


def _verify_stretch(seal: Seal, stretches: _Stretches, report: Report) -> None:
    for event in stretches.before(_first(seal)):
        report.problem(
            f"Event {event.id} stands before seal {seal.number}, which does not cover it: moved or inserted."
        )
        _verify_event(event, report)
    leaves: list[bytes] = []
    for event in stretches.before(_after(seal)):
        leaves.append(leaf(event_place(event), event.digest))
        _verify_event(event, report)
    report.sealed += len(leaves)
    if (difference := len(leaves) - seal.event_count) != 0:
        what = f"{difference} inserted" if difference > 0 else f"{-difference} removed or moved"
        report.problem(f"Seal {seal.number} covers {seal.event_count} events, and {len(leaves)} are there: {what}.")
    elif merkle.root(leaves) != seal.merkle_root:
        report.problem(f"Seal {seal.number} does not match its events: edited, replaced or reordered.")


def _verify_event(event: Event, report: Report) -> None:
    try:
        is_sound = event.digest == event_digest(event)
    except UnusableEvent:
        is_sound = False
    if not is_sound:
        report.problem(f"Event {event.id} ({event.verb}) was edited: its digest is not that of its content.")


def _summarise(report: Report) -> None:
    report.sentences.insert(0, f"{report.sealed} events are covered by {report.seals} seals.")
    report.sentences.append(f"{report.unsealed} events not yet sealed.")
    if report.omitted:
        report.problems.append(f"{report.omitted} further problems are not listed.")


def _first(seal: Seal) -> Place:
    return (seal.epoch, seal.first_txid, seal.first_sequence)


def _last(seal: Seal) -> Place:
    return (seal.epoch, seal.last_txid, seal.last_sequence)


def _after(seal: Seal) -> Place:
    return (seal.epoch, seal.last_txid, seal.last_sequence + 1)
