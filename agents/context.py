"""What the gate and the reviewers learn of an action's run: implements ``approvals.ports.ContextSource``."""

import json
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from agents.engine.parts import earlier_messages, facts_of
from agents.engine.sources import label_of, passages_of, trust_of
from agents.models import Run, Step
from agents.models.step import RECORDED
from agents.states import StepKind, StepStatus
from approvals.policies.context import UNKNOWN
from approvals.ports import ActionContext
from memory.models import Fact
from tools.models import Action, UsageRecord
from tools.states import ActionStatus, Effect

MAX_READ = 20_000
BEST_SCORE = 2 / 61
"""The fused score of a passage that both rankings put first; see ``memory.retrieval``."""


AROUND: Final = ("agent", "version__route", "session", "overlay", "started_by", "made_live_by")


class RunContext:
    """Reads the surroundings of an action from rows."""

    def for_action(self, action_id: UUID) -> ActionContext:
        action = Action.objects.filter(pk=action_id).first()
        if action is None:
            raise LookupError("There is no such action.")
        run = Run.objects.select_related(*AROUND).filter(pk=action.run_id).first()
        if run is None:
            raise LookupError("The run of this action is not known.")
        session = run.session
        return ActionContext(
            agent_name=run.agent.name,
            agent_title=run.agent.title,
            agent_version=run.version.number,
            run_title=run.title,
            run_kind=run.kind,
            environment=run.environment,
            steps=run.steps_used,
            spent=spent_on(run.id),
            currency="USD",
            subject_kind=session.subject_kind if session else "",
            subject_ref=session.subject_ref if session else "",
            rules=run.overlay.rules if run.overlay else (),
            removed_tools=frozenset(run.overlay.removed_tools if run.overlay else ()),
            overlay=run.overlay.label if run.overlay else "",
            stated=_stated(action),
            retrieval=_best_passage(action),
            starter=run.started_by,
            evidence=lambda: _evidence(run, action),
        )


def spent_on(run_id: UUID) -> Decimal | None:
    """Return what the run's model calls have cost so far; None where one of them has no known price."""
    costs = list(UsageRecord.objects.filter(run_id=run_id).values_list("cost", flat=True))
    if any(cost is None for cost in costs):
        return None
    return sum((cost for cost in costs if cost is not None), Decimal(0))


def _stated(action: Action) -> int:
    """Return how sure the agent said that it is of this call; what a person revised it said nothing of."""
    if action.effect == Effect.READ or action.revises_id is not None:
        return UNKNOWN
    said = Step.objects.filter(pk=action.step_id).values_list("input__confidence", flat=True).first()
    return said if type(said) is int and 0 <= said <= 100 else UNKNOWN


def _best_passage(action: Action) -> int:
    """Return the best passage that the run has found so far, in percent of the best possible; -1 where none was."""
    if action.effect == Effect.READ:
        return UNKNOWN
    repeated = Step.objects.filter(run_id=action.run_id, copies__isnull=False).values("copies__action")
    own = Q(run_id=action.run_id) | Q(pk__in=repeated)
    reads = Action.objects.filter(own, effect=Effect.READ, status=ActionStatus.SUCCEEDED)
    found = reads.filter(result__has_key="passages").select_related("tool__connection")
    scores = [_score(passage) for read in found for passage in passages_of(read) or []]
    return min(100, int(100 * max(scores) / BEST_SCORE)) if scores else UNKNOWN


def _score(passage: Any) -> float:
    score = passage.get("score") if isinstance(passage, dict) else None
    return score if isinstance(score, int | float) and not isinstance(score, bool) and score > 0 else 0.0


def _evidence(run: Run, action: Action) -> dict[str, Any]:
    steps = list(run.steps.select_related(*RECORDED).order_by("number"))
    turn = next((step.turn for step in steps if step.id == action.step_id), 0)
    return {
        "ticket": {
            "text": run.input.get("text", ""),
            "source": run.input.get("source", ""),
            "trust": "untrusted",
            "started_by": str(run.started_by_id),
            "at": run.created_at.isoformat(),
        },
        "reads": [_read(step) for step in steps if _was_read(step)],
        "model_words": _model_words(steps, turn),
        "conversation": [
            {"role": m.role, "source": m.source, "trust": m.trust, "text": m.text, "at": m.at.isoformat()}
            for m in earlier_messages(run)
        ],
        "facts": [_fact(fact) for fact in facts_of(run)],
        **({"fork": _fork(run, steps)} if run.forked_from_id else {}),
        "siblings": [
            {"tool": step.action.tool.title, "status": step.action.status, "action": str(step.action_id)}
            for step in steps
            if step.turn == turn and step.action is not None and step.id != action.step_id
        ],
    }


def _fork(run: Run, steps: list[Step]) -> dict[str, Any]:
    """Return where the run is from, what people wrote into it, and what it only simulated before it was live."""
    simulated = [step for step in steps if step.action is not None and step.action.is_simulated]
    return {
        "run": str(run.forked_from_id),
        "step": run.forked_at,
        "by": str(run.started_by),
        "live_by": str(run.made_live_by) if run.made_live_by else "",
        "live_at": run.made_live_at.isoformat() if run.made_live_at else None,
        "written": [_written(step) for step in steps if step.edited is not None or "said" in step.input],
        "simulated": [f"{step.action.tool.title} (step {step.number})" for step in simulated if step.action],
    }


def _written(step: Step) -> dict[str, Any]:
    said = step.edited["value"] if step.edited is not None else step.input["said"]
    by = step.edited["name"] if step.edited is not None else step.input.get("name", "")
    return {"step": step.number, "by": by, "text": json.dumps(said, ensure_ascii=False)[:MAX_READ]}


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "id": str(fact.id),
        "key": fact.key,
        "value": fact.value,
        "trust": fact.trust,
        "source": fact.source,
        "at": fact.valid_from.isoformat(),
    }


def _was_read(step: Step) -> bool:
    action = step.recorded_action
    return action is not None and action.effect == Effect.READ and action.status == ActionStatus.SUCCEEDED


def _read(step: Step) -> dict[str, Any]:
    action = step.recorded_action
    if action is None:
        raise AssertionError("A step that read something has an action.")
    passages = passages_of(action) if step.edited is None else None
    shown: Any = action.result if passages is None else {"count": len(passages)}
    if step.edited is not None:
        shown = step.edited["value"]
    text = json.dumps(shown, ensure_ascii=False)
    if len(text) > MAX_READ:
        shown = {"too_large_to_show": text[:MAX_READ]}
    return {
        "tool": action.tool.name,
        "title": f"{action.tool.title}{_changed_by(step)}",
        "arguments": action.arguments,
        "result": shown,
        "trust": _trust(action, passages) if step.edited is None else "untrusted",
        "passages": [{**p, "trust": trust_of(p), "label": label_of(p, step.number)} for p in passages or []],
        "step": step.number,
        "at": step.finished_at.isoformat() if step.finished_at else None,
    }


def _changed_by(step: Step) -> str:
    return f", edited by {step.edited['name']} in a fork" if step.edited else ""


def _trust(action: Action, passages: list[dict[str, Any]] | None) -> str:
    if passages is not None:
        return "untrusted" if any(trust_of(p) == "untrusted" for p in passages) else "trusted"
    return "trusted" if action.tool.options.get("trusted_result") else "untrusted"


def _model_words(steps: list[Step], turn: int) -> dict[str, Any]:
    """Return what the model said in the call that proposed this turn's actions."""
    asked = [
        step
        for step in steps
        if step.kind == StepKind.MODEL and step.status == StepStatus.SUCCEEDED and step.turn < max(turn, 1)
    ]
    if not asked:
        return {"text": "", "reasoning": "", "model": ""}
    answer = (asked[-1].output or {}).get("answer", {})
    providers = UsageRecord.objects.filter(step_id=asked[-1].id).order_by("-at").values_list("provider", flat=True)
    at = asked[-1].finished_at
    return {
        "text": answer.get("text", ""),
        "reasoning": answer.get("reasoning", ""),
        "model": answer.get("model", ""),
        "demo": providers.first() == "demo",
        "at": at.isoformat() if at else None,
    }
