"""Where else a fact has been written down, and taking it out there: implements ``memory.ports.Copies``.

A fact is copied when it is proposed (the model's answer, the step, the action, its attempts, verdicts, requests and
decisions), and may be quoted by whatever a run says that was told of it, or has it from the conversation that it came
from. So all runs that wrote it, were told of it, or are about the same subject are looked through whole, and what
rolled them back; nothing of a run that goes on is changed beneath it.
"""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from agents.models import Run, Step
from agents.models.step import APART
from agents.states import StepKind
from approvals.operations.erasing import erase_requests
from memory.models import Message
from tools.models import Action
from tools.operations.erasing import erase_actions, erase_mentions
from workspaces.canonical import digest
from workspaces.errors import StaleState
from workspaces.forgetting import GONE, without
from workspaces.payloads import MARK, keep, let_go

STATES: Final = ("before", "after", "current", "undo")
"""What an item of a rollback's plan shows of an effect."""


REFERENCES: Final = """
SELECT DISTINCT value->>%(mark)s FROM (
    SELECT output AS body FROM agents_step WHERE run_id = ANY(%(runs)s)
    UNION ALL SELECT result FROM tools_action WHERE run_id = ANY(%(runs)s)
    UNION ALL SELECT attempt.evidence FROM tools_actionattempt attempt JOIN tools_action action
        ON action.id = attempt.action_id WHERE action.run_id = ANY(%(runs)s)
) bodies, jsonb_each(CASE jsonb_typeof(body) WHEN 'object' THEN body ELSE '{}' END)
WHERE jsonb_typeof(value) = 'object' AND value ? %(mark)s
"""


class WrittenDown:
    """All rows of the floors below that can hold a copy."""

    def erase(
        self,
        *,
        workspace_id: UUID,
        facts: Collection[UUID],
        actions: Collection[UUID],
        sessions: Collection[UUID],
        value: object,
    ) -> int:
        """Take ``value`` out; raise ``StaleState`` while a run that may hold it goes on."""
        runs = _runs(workspace_id, facts, actions, sessions)
        live = [run for run in runs if not run.is_terminal]
        if live:
            many = f"{len(live)} runs that may hold it go on" if len(live) > 1 else "A run that may hold it goes on"
            raise StaleState(
                f"{many}: {live[0].title[:80]}.", "Let them end, or cancel them, and forget the fact then."
            )
        ids = [run.id for run in runs]
        steps = _steps(ids, actions, value)
        rows = erase_actions(action_ids=actions) + erase_mentions(run_ids=ids, value=value)
        rows += erase_requests(action_ids=actions, run_ids=ids, facts=facts, value=value)
        let_go(ids, still_used(ids))
        return rows + steps + _words(runs, actions, sessions, value)


def _runs(
    workspace_id: UUID, facts: Collection[UUID], actions: Collection[UUID], sessions: Collection[UUID]
) -> list[Run]:
    told = Q()
    for fact in facts:
        told |= Q(output__saw__contains=[{"kind": "fact", "id": str(fact)}])
    using = Step.objects.filter(told, workspace_id=workspace_id, kind=StepKind.MODEL).values("run_id")
    wrote = Action.objects.filter(pk__in=actions).values("run_id")
    about = Run.objects.filter(Q(pk__in=using) | Q(pk__in=wrote) | Q(session_id__in=sessions)).values("id")
    holding = Q(pk__in=about) | Q(rolls_back_id__in=about)
    return list(Run.objects.select_for_update(no_key=True).filter(holding).order_by("pk"))


def _steps(run_ids: Collection[UUID], actions: Collection[UUID], value: object) -> int:
    changed = 0
    steps = list(Step.objects.filter(run_id__in=run_ids).order_by("run_id", "number"))
    calls = {(s.run_id, s.call_id) for s in steps if s.action_id in actions}
    for step in steps:
        if step.action_id in actions:
            told: tuple[Any, Any] = {**step.input, "arguments": GONE}, step.output
        else:
            told = step.input, _answer(step, calls)
        new = {"input": without(told[0], value), "output": without(told[1], value)}
        new["explanation"] = without(step.explanation, value)
        if any(getattr(step, name) != one for name, one in new.items()):
            new["output"] = keep(new["output"], workspace_id=step.workspace_id, owner_id=step.run_id, only=APART)
            changed += Step.objects.filter(pk=step.pk).update(**new)
    return changed


def still_used(run_ids: Collection[UUID]) -> list[UUID]:
    """Return the payloads to which rows of these runs refer."""
    with connection.cursor() as cursor:
        cursor.execute(REFERENCES, {"runs": list(run_ids), "mark": MARK})
        return [UUID(found) for (found,) in cursor.fetchall()]


def _answer(step: Step, calls: Collection[tuple[UUID, str]]) -> Any:
    """Return a model's answer without the calls that proposed the fact, and without its words beside them."""
    answer = (step.output or {}).get("answer")
    if not answer or not any((step.run_id, call.get("id")) in calls for call in answer.get("calls") or []):
        return step.output
    kept = [
        {**call, "arguments": GONE, "raw": ""} if (step.run_id, call.get("id")) in calls else call
        for call in answer["calls"]
    ]
    return {**(step.output or {}), "answer": {**answer, "calls": kept, "text": "", "reasoning": ""}}


def _words(runs: list[Run], actions: Collection[UUID], sessions: Collection[UUID], value: object) -> int:
    """Take the value out of tickets, outcomes, plans and conversations."""
    changed, named = 0, {str(action) for action in actions}
    for run in runs:
        new = {name: without(getattr(run, name), value) for name in ("input", "title", "explanation")}
        new["plan"] = without(_plan(run.plan, named), value)
        new["outcome"] = without(_report(run.outcome, named), value)
        if any(getattr(run, name) != one for name, one in new.items()):
            digests = {"plan_digest": digest(new["plan"])} if new["plan"] != run.plan else {}
            changed += Run.objects.filter(pk=run.pk).update(**new, **digests)
    told = {*sessions, *(run.session_id for run in runs if run.session_id)}
    for message in Message.objects.filter(session_id__in=told).iterator():
        text = without(message.text, value)
        if text != message.text:
            changed += Message.objects.filter(pk=message.pk).update(text=text)
    return changed


def _plan(items: list[dict[str, Any]] | None, actions: Collection[str]) -> list[dict[str, Any]] | None:
    """Return what a rollback showed of its effects without the states of these actions; the same where it has none."""
    if not items or not any(item.get("action") in actions for item in items):
        return items
    return [{**item, **dict.fromkeys(STATES)} if item.get("action") in actions else item for item in items]


def _report(outcome: dict[str, Any] | None, actions: Collection[str]) -> dict[str, Any] | None:
    """Return a run's outcome, which for a rollback has the items of its plan, without the states of these actions."""
    if not outcome or "items" not in outcome:
        return outcome
    return {**outcome, "items": _plan(outcome["items"], actions)}
