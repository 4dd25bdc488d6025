"""Facts as their pages show them: the claim, where it came from, and every claim under its key."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import reverse

from agents.console.found import agents_of, runs_of
from agents.models import Agent
from memory.models import Fact
from memory.operations.facts import subject_of
from memory.states import FactStatus
from workspaces.console.asking import person_of
from workspaces.console.knowledge_shapes import FactPage, FactRow
from workspaces.console.links import action_url, agent_url, fact_url, run_url
from workspaces.console.listing import page_of
from workspaces.console.text import json_text


def spoken(value: object) -> str:
    """Return a fact's value as people read it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json_text(value)


def fact_rows(facts: Sequence[Fact]) -> list[FactRow]:
    """Return facts as rows, with one statement for the names of their agents."""
    names = dict(Agent.objects.filter(pk__in={fact.agent_id for fact in facts}).values_list("id", "title"))
    return [
        FactRow(
            key=fact.key,
            value=spoken(fact.value),
            url=fact_url(fact.id),
            subject=f"{fact.subject_kind} {fact.subject_ref}",
            agent=names.get(fact.agent_id, ""),
            status=fact.status,
            trust=fact.trust,
            at=fact.valid_from,
            until=fact.valid_until,
        )
        for fact in facts
    ]


def fact_page(request: HttpRequest, fact: Fact) -> FactPage:
    """Return everything about one fact; what this person may not do or see has no address."""
    history = subject_of(fact).facts().filter(key=fact.key).order_by("-recorded_at", "-id")
    found, pager = page_of(request, history)
    row, *claims = fact_rows([fact, *found])
    may = Agent.objects.controllable_by(person_of(request)).filter(pk=fact.agent_id).exists()
    run = fact.run_id if fact.run_id and runs_of(request).filter(pk=fact.run_id).exists() else None
    seen = agents_of(request).filter(pk=fact.agent_id).exists()
    valid = fact.status == FactStatus.VALID
    return FactPage(
        row=row,
        id=str(fact.id),
        source=fact.source,
        recorded_at=fact.recorded_at,
        agent_url=agent_url(fact.agent_id) if seen else "",
        confidence=f"{fact.confidence * 100:.0f} %" if fact.confidence is not None else "",
        run_url=run_url(run) if run else "",
        action_url=action_url(run, fact.action_id) if run and fact.action_id else "",
        history=claims,
        pager=pager,
        correct_url=reverse("facts:correct", args=[fact.id]) if may and valid else "",
        forget_url=reverse("facts:forget", args=[fact.id]) if may else "",
    )
