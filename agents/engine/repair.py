"""The rollback strategy: one compensation a turn, newest effect first, and a report from read-backs alone."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from agents.engine.claims import WORKER
from agents.engine.outcomes import end_run
from agents.engine.turns import add_step, begin_turn
from agents.models import Run
from agents.states import RunStatus, StepKind
from tools.models import Action, Tool
from tools.models.action import LIVE_OR_DONE
from tools.operations.proposing import leaf_json, propose
from tools.provenance import Source, trace
from tools.states import ActionStatus, AttemptKind, AttemptOutcome
from workspaces.ids import uuid7

RESTORE = "restore"


def next_compensation(run: Run) -> bool:
    """Add the next compensation of the confirmed plan; return False where none is left. The run is locked.

    An effect that another rollback has undone, or is undoing right now, is left to that one.
    """
    items = [item for item in run.plan or [] if item["verdict"] == RESTORE]
    for position, item in enumerate(items[run.turn :], start=run.turn):
        if _compensations(item).filter(status__in=LIVE_OR_DONE).exists():
            continue
        run.turn = position
        begin_turn(run, 1)
        try:
            with transaction.atomic():
                _propose(run, item)
        except IntegrityError:
            continue
        return True
    return False


def _compensations(item: dict[str, Any]) -> QuerySet[Action]:
    return Action.objects.filter(compensates_id=UUID(item["action"]))


def conclude_rollback(run: Run) -> None:
    """End the rollback with its report; it has failed where anything that was promised is not restored."""
    report = report_of(run)
    failed = [line for line in report["items"] if line["verdict"] == RESTORE and line["now"] != "restored"]
    status = RunStatus.FAILED if failed else RunStatus.SUCCEEDED
    end_run(run, status, explanation=report["sentence"], outcome=report)


def _propose(run: Run, item: dict[str, Any]) -> None:
    original = Action.objects.select_related("tool").get(pk=UUID(item["action"]))
    plan = original.undo_plan or {}
    tool = Tool.objects.select_related("connection").get(workspace_id=run.workspace_id, name=plan["tool"])
    step_id = uuid7()
    recorded = Source(f"undo plan of action {original.id}", "trusted", "record", plan["arguments"])
    action = propose(
        tool=tool,
        arguments=plan["arguments"],
        step_id=step_id,
        run_id=run.id,
        agent_id=run.agent_id,
        agent_version_id=run.version_id,
        environment=run.environment,
        causes=run.causes,
        scopes=run.scopes,
        provenance=[leaf_json(leaf) for leaf in trace(plan["arguments"], [recorded])],
        untrusted_influence=False,
        planned=True,
        compensates=original,
        by=WORKER,
    )
    add_step(
        run,
        kind=StepKind.ACTION,
        by=WORKER,
        id=step_id,
        action=action,
        input={"tool": tool.name, "arguments": plan["arguments"], "compensates": str(original.id)},
    )


def report_of(run: Run) -> dict[str, Any]:
    """Return what was restored, skipped and impossible, from the compensations' own rows and read-backs.

    Each item's ``now`` is ``restored`` (read back and found so), ``unconfirmed`` (carried out, but the read-back shows
    something else or nothing), ``skipped`` (another rollback has it), else what the preview or the compensation says.
    """
    own = Action.objects.filter(run_id=run.id, compensates__isnull=False).select_related("compensates")
    done = {str(action.compensates_id): action for action in own}
    items = [{**item, **_fate(item, done.get(item["action"]))} for item in run.plan or []]
    restored = sum(1 for item in items if item["now"] == "restored")
    return {"sentence": restored_sentence(restored, len(items)), "items": items}


def restored_sentence(restored: int, effects: int) -> str:
    """Return how many of a run's effects were restored, as one says it."""
    if effects == 1:
        return "The one effect was restored." if restored else "The one effect was not restored."
    if restored in (0, effects):
        many = "All of the {} effects were restored." if restored else "None of the {} effects was restored."
        return many.format(effects)
    return f"{restored} of {effects} effects {'was' if restored == 1 else 'were'} restored."


def _fate(item: dict[str, Any], compensation: Action | None) -> dict[str, Any]:
    if compensation is None and item["verdict"] == RESTORE:
        return {"now": "skipped", "explanation": "Another rollback has undone it, or is doing so."}
    if compensation is None:
        return {"now": item["verdict"], "explanation": item["sentence"]}
    if compensation.status == ActionStatus.SUCCEEDED:
        return _read_back(compensation)
    return {"now": str(compensation.status), "explanation": compensation.explanation}


def _read_back(compensation: Action) -> dict[str, Any]:
    """Judge by what the system itself showed afterwards, not by what it answered."""
    seen = compensation.attempts.filter(kind=AttemptKind.VERIFY).order_by("-number").first()
    image = seen.evidence.get("image") if seen is not None and seen.outcome == AttemptOutcome.DONE else None
    original = compensation.compensates
    if image is None or original is None:
        told = seen.explanation if seen is not None else ""
        return {"now": "unconfirmed", "explanation": f"It was carried out, but could not be read back. {told}".strip()}
    if image != original.before_image:
        return {"now": "unconfirmed", "explanation": "It was carried out, but the system shows something else now."}
    return {"now": "restored", "explanation": "Read back: the system shows the state before."}
