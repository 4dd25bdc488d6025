"""What people see when they decide: computed once, frozen with the request, and digested."""

from collections.abc import Sequence
from typing import Any

from approvals.policies.evaluate import Evaluation
from approvals.ports import ActionContext
from approvals.sentences import title_of, undo_sentence
from tools.environments import connection_of
from tools.models import Action
from tools.states import Effect
from workspaces.canonical import sanitise
from workspaces.environments import Environment


def evidence_of(
    action: Action,
    context: ActionContext,
    evaluation: Evaluation,
    *,
    has_undo: bool,
    binding: str,
    drift: dict[str, Any] | None = None,
    confidence: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Return the frozen evidence of a request about ``action``.

    Keys: ``sentence``, ``action`` (tool, effect, undo, arguments, digests), ``before`` and ``predicted`` (images, for
    the field-level difference), ``provenance``, ``reasons``, ``rules``, ``revises``, ``drift``, ``run``, ``agent``,
    ``confidence`` (stated and measured, in percent, -1 where unknown), and the parts of the context's own evidence
    (``ticket``, ``reads``, ``model_words``, ``conversation``).
    """
    parts: dict[str, Any] = {
        **context.evidence(),
        "sentence": title_of(action),
        "action": _action_facts(action, has_undo=has_undo, binding=binding),
        "before": action.before_image,
        "predicted": action.predicted,
        "provenance": action.provenance,
        "reasons": list(evaluation.reasons),
        "rules": rules_json(evaluation),
        "revises": _revised(action),
        "drift": drift,
        "confidence": confidence or {},
        **_surroundings(action, context),
    }
    frozen: dict[str, Any] = sanitise(parts)
    return frozen


def _surroundings(action: Action, context: ActionContext) -> dict[str, Any]:
    return {
        "run": {
            "id": str(action.run_id),
            "title": context.run_title,
            "kind": context.run_kind,
            "environment": context.environment,
            "steps": context.steps,
            "spent": None if context.spent is None else str(context.spent),
            "currency": context.currency,
        },
        "agent": {"name": context.agent_name, "title": context.agent_title, "version": context.agent_version},
    }


def rules_json(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return every rule that spoke, as JSON."""
    return [
        {"rule": m.rule, "outcome": str(m.outcome), "reason": m.reason, "waived": m.waived, "error": m.error}
        for m in evaluation.matched
    ]


def _action_facts(action: Action, *, has_undo: bool, binding: str) -> dict[str, Any]:
    return {**_call_facts(action, has_undo=has_undo), "has_undo": has_undo, "binding": binding}


def _call_facts(action: Action, *, has_undo: bool) -> dict[str, Any]:
    """Return what is done where, with what, and whether it could be taken back."""
    connection = connection_of(action)
    return {
        "id": str(action.id),
        "tool": action.tool.name,
        "title": action.tool.title,
        "connection": connection.name if connection else "",
        "environment": action.environment,
        "effect": action.effect,
        "effect_label": Effect(action.effect).label,
        "egress": action.tool.egress,
        "undo": undo_sentence(action, has_undo=has_undo),
        "arguments": action.arguments,
        "arguments_digest": action.arguments_digest,
        "schema": action.tool.input_schema,
    }


def _revised(action: Action) -> dict[str, Any] | None:
    if action.revises is None:
        return None
    return {"id": str(action.revises_id), "arguments": action.revises.arguments}


def environment_of(evidence: dict[str, Any]) -> str:
    """Return in which environment the run is that frozen ``evidence`` is about; all were live when it did not say."""
    return str((evidence.get("run") or {}).get("environment") or Environment.LIVE)


def settle_evidence(
    action: Action, sentence: str, probe: dict[str, Any], attempts: Sequence[Any], context: ActionContext
) -> dict[str, Any]:
    """Return the evidence of a ``settle`` request: the intent, what the probe found, every attempt, and the run."""
    found: dict[str, Any] = sanitise(
        {
            **context.evidence(),
            **_surroundings(action, context),
            "provenance": action.provenance,
            "sentence": f"In doubt: {title_of(action)}",
            "action": {
                **_call_facts(action, has_undo=probe.get("after") is not None),
                "idempotency": action.tool.idempotency,
                "idempotency_key": action.idempotency_key,
            },
            "before": action.before_image,
            "predicted": action.predicted,
            "probe": {"sentence": sentence, **probe},
            "attempts": [
                {
                    "kind": a.kind,
                    "number": a.number,
                    "outcome": a.outcome,
                    "explanation": a.explanation,
                    "at": a.started_at.isoformat(),
                }
                for a in attempts
            ],
            "explanation": action.explanation,
        }
    )
    return found
