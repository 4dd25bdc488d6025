"""How a run's page tells of steps that it repeats from another run, and of what people wrote into a fork."""

from dataclasses import replace
from typing import Any, Final

from agents.models import Step
from agents.states import STEP_TERMINAL, StepKind
from workspaces.console.shapes import TimelineItem

REPEATED: Final = ("Repeated", "As recorded in the run that this one was forked from; nothing was done again.")


def origin_of(step: Step) -> Any:
    """Return the id of the step whose actions tell what happened: of a repeated one that of the step it copies."""
    return step.copies_id or step.id


def as_repeated(item: TimelineItem, step: Step) -> TimelineItem:
    """Return the item of a repeated step: it says so, offers nothing, and shows what was edited."""
    facts = [REPEATED, *item.facts]
    changed: dict[str, Any] = {}
    if step.edited is not None:
        facts.insert(1, ("Edited", f"{step.edited['name']} put another value in place of what it gave."))
        changed = {"result": step.edited["value"], "changes": ()}
    return replace(item, facts=facts, undo_url="", told_url="", rolled_back="", **changed)


def message_item(step: Step) -> TimelineItem:
    """Return a message that somebody wrote to the agent in a fork."""
    return TimelineItem(
        title="Message",
        kind="step",
        value=step.status,
        icon="person",
        at=step.created_at,
        key=str(step.id),
        by=str(step.input.get("name", "")),
        note=str(step.input.get("said", "")),
    )


def is_message(step: Step) -> bool:
    """Say whether the step is such a message, and no node of a workflow."""
    return step.kind == StepKind.PERSON and not step.node


def fork_url_of(step: Step, base: str) -> str:
    """Return where a fork from this step is made; empty where it cannot be."""
    return f"{base}?step={step.number}" if base and not step.thread and step.status in STEP_TERMINAL else ""
