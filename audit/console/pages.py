"""Events and seals as rows. Events are paged by their place, since the ledger only grows and is never counted."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Min, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleGreaterThanOrEqual, TupleLessThan
from django.http import HttpRequest

from audit.ledger import witness
from audit.ledger.models import Event, Seal
from audit.ledger.verification import is_genuine
from workspaces.console.links import subject_url
from workspaces.console.listing import address, asked, choice
from workspaces.console.run_shapes import EventRow, Filter, Pager, SealRow
from workspaces.models import Membership, User, Workspace

PAGE_SIZE: Final = 50
SEALS_SHOWN: Final = 10
MOST_COUNTED: Final = 10_000
FILTERS: Final = ("verb", "subject", "actor")
PLACE: Final = ("epoch", "txid", "sequence")
NEWEST: Final = [f"-{name}" for name in PLACE]
CURSOR: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,18})\.([0-9]{1,18})")

Place = tuple[int, int, int]


def events(request: HttpRequest, workspace_id: UUID) -> tuple[list[EventRow], Pager | None]:
    """Return one page of the events that the filters ask for, newest first."""
    rows = _narrowed(Event.objects.filter(workspace_id=workspace_id), request)
    older, newer = _place(asked(request, "older")), _place(asked(request, "newer"))
    if newer:
        found = list(rows.filter(TupleGreaterThan(PLACE, newer)).order_by(*PLACE)[: PAGE_SIZE + 1])
        shown = found[:PAGE_SIZE][::-1]
        more_newer, more_older = len(found) > PAGE_SIZE, True
    else:
        rows = rows.filter(TupleLessThan(PLACE, older)) if older else rows
        found = list(rows.order_by(*NEWEST)[: PAGE_SIZE + 1])
        shown = found[:PAGE_SIZE]
        more_newer, more_older = older is not None, len(found) > PAGE_SIZE
    return _event_rows(request, shown, workspace_id), _pager(request, shown, more_newer, more_older)


def _narrowed(rows: QuerySet[Event], request: HttpRequest) -> QuerySet[Event]:
    if verb := asked(request, "verb"):
        rows = rows.filter(verb__startswith=verb)
    if actor := asked(request, "actor"):
        rows = rows.filter(actor=actor)
    if subject := asked(request, "subject"):
        kind, _, row_id = subject.rpartition(":")
        rows = rows.filter(subject_type=kind, subject_id=row_id) if kind else _by_word(rows, subject)
    return rows


def _by_word(rows: QuerySet[Event], word: str) -> QuerySet[Event]:
    """Narrow by one word: an id is one of a subject, anything else is a kind of subject."""
    try:
        return rows.filter(subject_id=str(UUID(word)))
    except ValueError:
        return rows.filter(subject_type=word)


def _place(text: str) -> Place | None:
    found = CURSOR.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _pager(request: HttpRequest, shown: list[Event], more_newer: bool, more_older: bool) -> Pager | None:
    if not shown or not (more_newer or more_older):
        return None
    first, last = (f"{event.epoch}.{event.txid}.{event.sequence}" for event in (shown[0], shown[-1]))
    return Pager(
        shown=len(shown),
        previous_url=address(request, newer=first, older="") if more_newer else "",
        next_url=address(request, older=last, newer="") if more_older else "",
    )


def _event_rows(request: HttpRequest, shown: list[Event], workspace_id: UUID) -> list[EventRow]:
    people = _people({event.actor.rpartition(":")[2] for event in shown if not event.actor.startswith("system:")})
    covered = _seals_over(shown, workspace_id)
    return [_event_row(request, event, people, covered) for event in shown]


def _event_row(request: HttpRequest, event: Event, people: dict[str, str], covered: list[Seal]) -> EventRow:
    seal = _seal_of(event, covered)
    kind, _, who = event.actor.partition(":")
    name = people.get(who, who)
    return EventRow(
        at=event.at,
        actor=f"{kind} {name}" if kind != "user" else name,
        verb=event.verb,
        subject=event.subject_type,
        subject_id=event.subject_id,
        subject_url=subject_url(event.subject_type, event.subject_id),
        digest=event.digest,
        seal=seal,
        seal_url=f"{address(request, seal=str(seal + 1))}#seals" if seal is not None else "",
    )


def _people(ids: set[str]) -> dict[str, str]:
    """Return the names of the accounts that acted; whoever may read the ledger learns who they are."""
    return {str(user.id): str(user) for user in User.objects.filter(pk__in=ids)} if ids else {}


def _seals_over(shown: list[Event], workspace_id: UUID) -> list[Seal]:
    """Return the seals that may cover one of ``shown``, in their order: at most one an event, in one statement."""
    if not shown:
        return []
    oldest = shown[-1]
    ends = TupleGreaterThanOrEqual(
        ("epoch", "last_txid", "last_sequence"), (oldest.epoch, oldest.txid, oldest.sequence)
    )
    return list(Seal.objects.filter(ends, workspace_id=workspace_id).order_by("number")[: len(shown) + 1])


def _seal_of(event: Event, seals: list[Seal]) -> int | None:
    ends = [(seal.epoch, seal.last_txid, seal.last_sequence) for seal in seals]
    at = bisect_left(ends, (event.epoch, event.txid, event.sequence))
    return seals[at].number if at < len(seals) else None


def seals(request: HttpRequest, workspace_id: UUID) -> tuple[list[SealRow], Pager | None]:
    """Return the newest seals, or those below ``?seal=``."""
    below = asked(request, "seal")
    rows = Seal.objects.filter(workspace_id=workspace_id).order_by("-number")
    older = below.isascii() and below.isdigit() and len(below) <= 9
    found = list((rows.filter(number__lt=int(below)) if older else rows)[: SEALS_SHOWN + 1])
    shown = found[:SEALS_SHOWN]
    pager = Pager(
        shown=len(shown),
        previous_url=address(request, seal="") if older else "",
        next_url=address(request, seal=str(shown[-1].number)) if len(found) > SEALS_SHOWN else "",
    )
    return _seal_rows(shown, workspace_id), pager if pager.previous_url or pager.next_url else None


def _seal_rows(shown: list[Seal], workspace_id: UUID) -> list[SealRow]:
    """Check each seal's signature, and compare it with what the witness holds of it."""
    proofs = {True: "signed", False: "broken", None: "sealed"}
    found = _witnessed(shown, workspace_id)
    return [
        SealRow(
            number=seal.number,
            at=seal.at,
            events=seal.event_count,
            root=seal.merkle_root,
            proof=proofs[is_genuine(seal)],
            witness=found.get(seal.number, ""),
        )
        for seal in shown
    ]


def _witnessed(shown: list[Seal], workspace_id: UUID) -> dict[int, str]:
    """Return how each seal stands at the witness, nothing where there is none."""
    try:
        held = witness.held(workspace_id, [seal.number for seal in shown])
    except OSError:
        return {seal.number: "unread" for seal in shown}
    if held is None:
        return {}
    return {
        seal.number: "lacking" if seal.number not in held else "held" if held[seal.number] == seal.digest else "differs"
        for seal in shown
    }


def unsealed(workspace_id: UUID) -> tuple[int, datetime | None]:
    """Return how many of the workspace's events no seal covers yet, and when the oldest of them happened.

    It counts one more than ``MOST_COUNTED`` and no further: where nothing is sealed, all events of years are unsealed.
    """
    rows = Event.objects.filter(workspace_id=workspace_id)
    last = Seal.objects.filter(workspace_id=workspace_id).order_by("-number").first()
    if last:
        rows = rows.filter(TupleGreaterThan(PLACE, (last.epoch, last.last_txid, last.last_sequence)))
    found = rows.order_by(*PLACE)[: MOST_COUNTED + 1].aggregate(events=Count("id"), oldest=Min("at"))
    return found["events"], found["oldest"]


def filters(request: HttpRequest, workspace: Workspace) -> list[Filter]:
    """Return the filters: what was done (a verb or its beginning), on what, and by whom among the members."""
    members = Membership.objects.filter(workspace=workspace).select_related("user").order_by("user__name")
    return [
        Filter(name="verb", label="Did", value=asked(request, "verb")),
        Filter(name="subject", label="On (a kind or an id)", value=asked(request, "subject")),
        choice("actor", "Who", _actors(one.user for one in members), asked(request, "actor")),
    ]


def _actors(people: Iterable[User]) -> list[tuple[str, str]]:
    return [(f"{'service' if user.is_service else 'user'}:{user.id}", str(user)) for user in people]
