"""Facts: claiming, ending, and forgetting them. One claim a key is valid at a time; a later one closes it.

Who may do so is asked where agents are known: a person reaches these through ``agents.operations``.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.ledger.recording import salted_digest
from memory.models import Fact, Session, Trust
from memory.ports import copies
from memory.states import FactStatus
from tools.models import Action
from tools.states import ACTION_TERMINAL
from workspaces.actors import Actor
from workspaces.canonical import canonical, sanitise
from workspaces.environments import Environment
from workspaces.errors import InvalidInput, StaleState
from workspaces.operations.authority import note
from workspaces.transitions import transition

LONGEST_VALUE: Final = 1000
KEY: Final = r"^[a-z][a-z0-9_]{0,59}$"
OPERATION: Final = "memory.remember"


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom which agent remembers something, and in which environment: whom a sandbox knows is somebody else."""

    workspace_id: UUID
    agent_id: UUID
    kind: str
    ref: str
    environment: str = Environment.LIVE

    @property
    def name(self) -> str:
        """How the subject is called on pages and in images."""
        return f"{self.kind} {self.ref}"

    def facts(self) -> Any:
        """Return the subject's facts, closed ones too."""
        return Fact.objects.about(
            workspace_id=self.workspace_id,
            agent_id=self.agent_id,
            subject_kind=self.kind,
            subject_ref=self.ref,
            environment=self.environment,
        )

    def valid(self, key: str) -> Fact | None:
        """Return what is held of the subject under ``key`` now."""
        found: Fact | None = self.facts().valid().filter(key=key).first()
        return found


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a claim is from: a label, its trust, the agent's confidence, and the action (None: a person said it)."""

    source: str
    trust: str
    confidence: Decimal | None = None
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The receipt of a forgotten fact. With ``salt``, which is kept nowhere here, the holder can show what the ledger's
    ``proof`` is of: HMAC-SHA-256 over the canonical JSON of key, subject and value."""

    fact_id: UUID
    proof: str
    salt: str
    copies: int


def claim_fact(*, subject: Subject, key: str, value: Any, origin: Origin, by: Actor) -> Fact:
    """Hold ``value`` to be true of the subject from now on; an older claim under the key ends where this one begins.

    Raise ``StaleState`` where somebody else claims something under the key at this very moment.
    """
    said = _checked(value)
    with transaction.atomic():
        at = timezone.now()
        end_fact(subject=subject, key=key, by=by, status=FactStatus.CLOSED, at=at)
        fact = _recorded(subject, key, said, origin, at)
        body = {"agent": str(subject.agent_id), "action": str(fact.action_id) if fact.action_id else None}
        note(subject.workspace_id, by, "fact.claimed", ("fact", fact.id), **body, trust=origin.trust)
    return fact


def _recorded(subject: Subject, key: str, value: Any, origin: Origin, at: datetime) -> Fact:
    action = origin.action
    try:
        with transaction.atomic():
            return Fact.objects.create(
                workspace_id=subject.workspace_id,
                agent_id=subject.agent_id,
                subject_kind=subject.kind,
                subject_ref=subject.ref,
                environment=subject.environment,
                key=key,
                value=value,
                source=origin.source[:300],
                trust=Trust(origin.trust),
                confidence=origin.confidence,
                valid_from=at,
                action_id=action.id if action else None,
                run_id=action.run_id if action else None,
            )
    except IntegrityError as error:  # of two at once, the database takes one
        raise StaleState(
            "Somebody else has said something else at the same time.", "Look at what holds now, and correct that."
        ) from error


def _checked(value: Any) -> Any:
    said = sanitise(value)
    if isinstance(said, str) and not 0 < len(said.strip()) <= LONGEST_VALUE:
        raise InvalidInput(f"What is remembered has 1 to {LONGEST_VALUE:,} characters.", "Shorten it.")
    if not isinstance(said, str | int | float | bool):
        raise InvalidInput("What is remembered is a text, a number, or true or false.", "Send one of these.")
    return said


def end_fact(
    *, subject: Subject, key: str, by: Actor, status: FactStatus = FactStatus.ENDED, at: datetime | None = None
) -> Fact | None:
    """End the time of what is held under ``key``; return it, or None where nothing was."""
    with transaction.atomic():
        present: Fact | None = subject.facts().valid().filter(key=key).select_for_update(no_key=True).first()
        if present is not None:
            transition(present, status, by=by, valid_until=at or timezone.now())
    return present


def forget_fact(*, fact: Fact, by: Actor) -> Forgotten:
    """Delete a fact and what was written down of it when it was proposed, decided on and used.

    Earlier and later claims of the same value under the same key go with it; other values are facts of their own. Raise
    ``StaleState`` where it is gone already, or while an action about the key is under way, which holds a copy.
    """
    with transaction.atomic():
        same = list(_same(fact).select_for_update())
        if fact.pk not in {one.pk for one in same}:
            raise StaleState("This fact has been forgotten already.")
        _nothing_under_way(fact)
        actions = _actions_of(fact, same)
        gone = [one.pk for one in same]
        Fact.objects.filter(pk__in=gone).delete()
        rows = copies().erase(
            workspace_id=fact.workspace_id,
            facts=gone,
            actions=actions,
            sessions=list(_sessions_about(fact)),
            value=fact.value,
        )
        salt = secrets.token_bytes(32)
        proof = salted_digest(canonical(claim_of(fact)).decode(), salt)
        for pk in gone:
            note(fact.workspace_id, by, "fact.forgotten", ("fact", pk), proof=proof, copies=rows)
    return Forgotten(fact.pk, proof, salt.hex(), rows)


def claim_of(fact: Fact) -> dict[str, Any]:
    """Return what a fact says, as it is digested when it is forgotten."""
    return {"key": fact.key, "subject": [fact.subject_kind, fact.subject_ref], "value": fact.value}


def subject_of(fact: Fact) -> Subject:
    """Return of whom a fact is."""
    return Subject(fact.workspace_id, fact.agent_id, fact.subject_kind, fact.subject_ref, fact.environment)


def _same(fact: Fact) -> Any:
    return subject_of(fact).facts().filter(key=fact.key, value=fact.value)


def _sessions_about(fact: Fact) -> Any:
    """Return the ids of the conversations of this agent about this subject."""
    about = {name: getattr(fact, name) for name in ("workspace_id", "agent_id", "environment")}
    found = Session.objects.filter(**about, subject_kind=fact.subject_kind, subject_ref=fact.subject_ref)
    return found.values_list("id", flat=True)


def _proposals(fact: Fact) -> Any:
    """Return the actions that looked at what is remembered of this subject under this key."""
    return Action.objects.filter(
        workspace_id=fact.workspace_id,
        agent_id=fact.agent_id,
        environment=fact.environment,
        tool__operation=OPERATION,
        before_image__key=fact.key,
        before_image__subject=subject_of(fact).name,
    )


def _actions_of(fact: Fact, same: list[Fact]) -> list[UUID]:
    """Return the actions that hold the claim: those that wrote, undid or saw it, and what they revise."""
    found: set[UUID] = set()
    wrote = Action.objects.filter(pk__in=[one.action_id for one in same if one.action_id])
    while wrote:
        found.update(action.id for action in wrote)
        wrote = Action.objects.filter(pk__in=[action.revises_id for action in wrote if action.revises_id])
    about = _proposals(fact)
    holding = about.filter(before_image__value=fact.value) | about.filter(arguments__value=fact.value)
    return [*found.union(holding.values_list("id", flat=True))]


def _nothing_under_way(fact: Fact) -> None:
    if _proposals(fact).exclude(status__in=ACTION_TERMINAL).exists():
        raise StaleState(
            "An action about this very fact is under way.", "Decide on it, or cancel its run, and forget the fact then."
        )
