"""Overlays: what is different about an agent for one customer. Publishing makes a new, immutable version."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from agents.effective import LIMITS, check_rules, widens
from agents.engine.subjects import MAX_REFERENCE
from agents.models import Agent, Overlay
from memory.models import Collection
from tools.models import Tool
from workspaces.actors import Actor
from workspaces.canonical import digest, sanitise
from workspaces.errors import InvalidInput, StaleState
from workspaces.models import User
from workspaces.operations.authority import note, require_owner

MAX_PROMPT = 10_000


def publish_overlay(
    *,
    agent: Agent,
    subject_ref: str,
    by: Actor,
    subject_kind: str = "customer",
    prompt: str = "",
    removed_tools: Sequence[Tool] = (),
    removed_collections: Sequence[Collection] = (),
    step_limit: int | None = None,
    budget_usd: Decimal | None = None,
    calls_per_turn: int | None = None,
    rules: list[dict[str, Any]] | None = None,
) -> Overlay:
    """Make the next version of what is different for one customer; runs that know theirs already keep what they have.

    One that says nothing takes the customer back to the agent's version. Raise ``InvalidInput`` with a sentence for
    whatever would widen the agent's current version.
    """
    require_owner(by, agent.workspace, "publish overlays")
    if any(part.workspace_id != agent.workspace_id for part in (*removed_tools, *removed_collections)):
        raise InvalidInput("Tools and collections belong to the agent's own workspace.")
    limits = {"step_limit": step_limit, "budget_usd": budget_usd, "calls_per_turn": calls_per_turn}
    said: dict[str, Any] = sanitise({"prompt": prompt.strip(), "rules": rules or []})
    _check(subject_kind, subject_ref, said["prompt"])
    check_rules(said["rules"])
    with transaction.atomic():
        locked = Agent.objects.select_for_update(of=("self",)).select_related("current_version").get(pk=agent.pk)
        _check_limits(locked, limits)
        last = Overlay.objects.newest(locked.id, subject_kind, subject_ref)
        overlay = Overlay.objects.create(
            workspace_id=agent.workspace_id,
            agent=agent,
            subject_kind=subject_kind,
            subject_ref=subject_ref,
            number=(last.number if last else 0) + 1,
            removed_tools=sorted({tool.name for tool in removed_tools}),
            removed_collections=sorted({one.name for one in removed_collections}),
            created_by=by if isinstance(by, User) else None,
            **limits,
            **said,
        )
        _note(overlay, by)
    return overlay


def _check(kind: str, ref: str, prompt: str) -> None:
    for name, value, longest in (("subject_kind", kind, 40), ("subject_ref", ref, MAX_REFERENCE)):
        if not value.strip() or len(value) > longest or not value.isprintable():
            sentence = f"This has 1 to {longest} characters, on one line."
            raise InvalidInput(
                "Say whose overlay it is.", "Name the customer as the agent finds them.", {name: [sentence]}
            )
    if len(prompt) > MAX_PROMPT:
        sentence = f"This has at most {MAX_PROMPT:,} characters."
        raise InvalidInput("The text for this customer is too long.", "Shorten it.", {"prompt": [sentence]})


def _check_limits(agent: Agent, limits: dict[str, Any]) -> None:
    version = agent.current_version
    if version is None:
        raise StaleState("This agent has no version that could be narrowed.", "Publish a version first.")
    problems: dict[str, list[str]] = {}
    for name in LIMITS:
        said = limits[name]
        if said is not None and (said < 0 or (name != "budget_usd" and said < 1)):
            problems[name] = ["A limit is not negative, and at least one where it counts steps or calls."]
        elif said is not None and (refused := widens(name, getattr(version, name), said)):
            problems[name] = [refused]
    if problems:
        raise InvalidInput(next(iter(problems.values()))[0], "Lower the limits named, or leave them out.", problems)


def _note(overlay: Overlay, by: Actor) -> None:
    said = {"prompt": overlay.prompt, "rules": overlay.rules, "limits": [str(getattr(overlay, one)) for one in LIMITS]}
    note(
        overlay.workspace_id,
        by,
        "agent.overlay_published",
        ("agent", overlay.agent_id),
        overlay=str(overlay.id),
        number=overlay.number,
        said=digest(said),
        tools=overlay.removed_tools,
        collections=overlay.removed_collections,
    )
