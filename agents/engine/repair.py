"""The rollback strategy: one compensation a turn, newest effect first, and a report from read-backs alone."""

from typing import Any
from uuid import UUID

from agents.engine.claims import WORKER
from agents.engine.outcomes import end_run
from agents.engine.turns import add_step, begin_turn
from agents.models import Run
from agents.states import RunStatus, StepKind
from tools.models import Action, Tool
from tools.operations.proposing import leaf_json, propose
from tools.provenance import Source, trace
from tools.states import ActionStatus
from workspaces.ids import uuid7

RESTORE = "restore"


def next_compensation(run: Run) -> None:
    """Add the next compensation of the confirmed plan, or end the run with its report; the run is locked."""
    items = [item for item in run.plan or [] if item["verdict"] == RESTORE]
    for position, item in enumerate(items[run.turn :], start=run.turn):
        if not _compensated(UUID(item["action"])):
            run.turn = position
            begin_turn(run, 1)
            _propose(run, item)
            return
    report = report_of(run)
    failed = [line for line in report["items"] if line["verdict"] == RESTORE and line["now"] != "restored"]
    status = RunStatus.FAILED if failed else RunStatus.SUCCEEDED
    end_run(run, status, explanation=report["sentence"], outcome=report)


def _compensated(action_id: UUID) -> bool:
    return Action.objects.filter(compensates_id=action_id, status=ActionStatus.SUCCEEDED).exists()


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
    """Return what was restored, skipped and impossible, from the compensations' own rows and read-backs."""
    done = {
        str(action.compensates_id): action for action in Action.objects.filter(run_id=run.id, compensates__isnull=False)
    }
    items = [{**item, **_fate(item, done.get(item["action"]))} for item in run.plan or []]
    restored = sum(1 for item in items if item["now"] == "restored")
    sentence = f"{restored} of {len(items)} effects were restored."
    return {"sentence": sentence, "items": items}


def _fate(item: dict[str, Any], compensation: Action | None) -> dict[str, Any]:
    if compensation is None:
        return {"now": item["verdict"] if item["verdict"] != RESTORE else "skipped", "explanation": item["sentence"]}
    if compensation.status == ActionStatus.SUCCEEDED:
        return {"now": "restored", "explanation": compensation.explanation}
    return {"now": str(compensation.status), "explanation": compensation.explanation}
