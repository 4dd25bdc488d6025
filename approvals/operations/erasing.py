"""Erasing what people were shown, so that something can be forgotten: decisions stay, with who, when and what kind.

The database refuses to change verdicts, decisions and frozen evidence; this is the one hand that passes its guards.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pgtrigger

from approvals.models import Decision, Request, Verdict
from workspaces.canonical import digest
from workspaces.forgetting import GONE, without

GUARDS = (
    "approvals.Request:request_stays_as_shown",
    "approvals.Verdict:verdict_append_only",
    "approvals.Decision:decision_append_only",
)
TITLE = "What this was about has been forgotten."


def erase_requests(
    *, action_ids: Collection[UUID], run_ids: Collection[UUID], facts: Collection[UUID], value: object
) -> int:
    """Take away what requests and verdicts about these actions held, and ``value`` from the others of these runs;
    ``facts`` that were shown beside them go with it.

    Call within a transaction that records why; return how many rows were changed.
    """
    changed = 0
    with pgtrigger.ignore(*GUARDS):
        for request in Request.objects.filter(run_id__in=run_ids).iterator():
            changed += _request(request, value, facts, whole=request.action_id in action_ids)
        for verdict in Verdict.objects.filter(action__run_id__in=run_ids).iterator():
            changed += _verdict(verdict, value, whole=verdict.action_id in action_ids)
        for decision in Decision.objects.filter(request__run_id__in=run_ids).select_related("request").iterator():
            decision.reason, before = str(without(decision.reason, value)), decision.reason
            decision.evidence_digest, seen = decision.request.evidence_digest, decision.evidence_digest
            if (decision.reason, decision.evidence_digest) != (before, seen):
                decision.save(update_fields=["reason", "evidence_digest"])
                changed += 1
    return changed


def _request(request: Request, value: object, facts: Collection[UUID], *, whole: bool) -> bool:
    evidence = _evidence(request.evidence) if whole else request.evidence
    if "facts" in evidence:
        gone = {str(fact) for fact in facts}
        evidence = {**evidence, "facts": [one for one in evidence["facts"] if one["id"] not in gone]}
    told = {"evidence": without(evidence, value), "title": TITLE if whole else without(request.title, value)}
    told |= {"reasons": without(request.reasons, value), "explanation": without(request.explanation, value)}
    if all(getattr(request, name) == new for name, new in told.items()):
        return False
    for name, new in told.items():
        setattr(request, name, new)
    request.evidence_digest = digest(request.evidence)
    request.save(update_fields=[*told, "evidence_digest"])
    return True


def _evidence(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence with the facts around the action, and without what it said."""
    action = {**evidence.get("action", {}), "arguments": GONE, "arguments_digest": "", "binding": "", "undo": ""}
    return {
        **evidence,
        "sentence": TITLE,
        "action": action,
        "before": None,
        "predicted": None,
        "provenance": [],
        "revises": None,
        "drift": None,
        "model_words": {},
        "probe": {},
        "attempts": [],
    }


def _verdict(verdict: Verdict, value: object, *, whole: bool) -> bool:
    inputs = _inputs(verdict.inputs) if whole else verdict.inputs
    told = {"inputs": without(inputs, value), "reasons": without(verdict.reasons, value)}
    told |= {"matched": without(verdict.matched, value), "binding": "" if whole else verdict.binding}
    if all(getattr(verdict, name) == new for name, new in told.items()):
        return False
    for name, new in told.items():
        setattr(verdict, name, new)
    verdict.save(update_fields=list(told))
    return True


def _inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    found = {**inputs, "before_digest": ""}
    if "action" in inputs:
        found["action"] = {**inputs["action"], "arguments": GONE}
    if "provenance" in inputs:
        found["provenance"] = {**inputs["provenance"], "leaves": []}
    return found
