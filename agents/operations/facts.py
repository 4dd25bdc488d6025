"""What people do to what agents remember: correct it, end it, forget it. The right is that of steering the agent."""

from typing import Any
from uuid import UUID

from agents.models import Agent
from memory.models import Fact, Trust
from memory.operations.facts import Forgotten, Origin, claim_fact, end_fact, forget_fact, subject_of
from memory.states import FactStatus
from workspaces.errors import Forbidden, NotFound, StaleState
from workspaces.models import User

PERSON = "a person"


def correct_fact(*, fact_id: UUID, value: Any, by: User) -> Fact:
    """Say what is true instead; None: that it is true no more. Return the fact that holds now, or the ended one.

    A person's word is trusted. Raise ``StaleState`` where the fact is closed already: correct the one that holds.
    """
    fact = _steered(fact_id, by, "correct")
    if fact.status != FactStatus.VALID:
        raise StaleState("This fact holds no more.", "Correct the one that holds now.")
    subject = subject_of(fact)
    if value is None:
        return end_fact(subject=subject, key=fact.key, by=by) or fact
    return claim_fact(subject=subject, key=fact.key, value=value, origin=Origin(PERSON, Trust.TRUSTED), by=by)


def forget(*, fact_id: UUID, by: User) -> Forgotten:
    """Forget a fact for good, wherever it was written down here; return the receipt, whose salt is kept nowhere."""
    return forget_fact(fact=_steered(fact_id, by, "forget"), by=by)


def _steered(fact_id: UUID, by: User, what: str) -> Fact:
    fact = Fact.objects.filter(pk=fact_id, agent_id__in=Agent.objects.visible_to(by).values("id")).first()
    if fact is None:
        raise NotFound("There is no such fact.", "Choose one from the list of facts; it may have been forgotten.")
    if not Agent.objects.controllable_by(by).filter(pk=fact.agent_id).exists():
        raise Forbidden(f"You may not {what} what this agent remembers.", "Ask an owner to grant it to your team.")
    return fact
