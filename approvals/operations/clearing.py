"""Clearing: storing the gate's verdict and acting on it. This is what ``tools.ports.Gate`` is in this house."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from approvals.evidence import evidence_of, rules_json
from approvals.gate import Judgement, active_versions, judge, policy_digest
from approvals.models import Request, ReviewQueue, Verdict
from approvals.operations.opening import open_request
from approvals.policies.evaluate import QueueTerms
from approvals.sentences import title_of
from approvals.states import DecisionKind, Outcome, RequestKind, RequestStatus
from audit.ledger.recording import record
from tools.bindings import binding_of
from tools.errors import Paused
from tools.models import Action
from tools.signals import action_moved
from tools.states import ActionStatus, Effect
from workspaces.actors import System, actor_text
from workspaces.database import ClockTimestamp
from workspaces.models import Pause
from workspaces.transitions import transition

GATE = System("gate")


class PolicyGate:
    """The gate as the tools floor sees it."""

    def clear(self, action_id: UUID) -> Action:
        """Judge the action as it stands, store the verdict, and let it pass, wait for people, or end.

        An action that has been approved before is *gated again*: decisions by people who still hold the right are
        kept if they satisfy the new verdict and the world has not moved; else people are asked with the difference.
        Raise :class:`tools.errors.Paused` while a pause covers it; nothing is stored then.
        """
        with transaction.atomic():
            action = Action.objects.select_for_update(of=("self",)).select_related("tool__connection").get(pk=action_id)
            if action.status not in {ActionStatus.PROPOSED, ActionStatus.APPROVED}:
                return action
            if Pause.objects.over(action.scopes, repair=action.is_repair).exists():
                raise Paused("A pause covers this action.")
            versions = active_versions(action.workspace_id)
            judgement = judge(action, versions)
            binding = binding_of(action, connection=action.tool.connection, policy_digest=policy_digest(versions))
            previous = action.verdicts.order_by("-at", "-id").first()
            verdict = _store(action, judgement, binding)
            _act(action, judgement, verdict, previous)
            if action.status != ActionStatus.PROPOSED:
                transaction.on_commit(lambda: action_moved.send(Action, action_id=action_id))
        return action

    def policy_digest(self, workspace_id: UUID) -> str:
        return policy_digest(active_versions(workspace_id))

    def still_holds(self, action: Action) -> bool:
        """Say whether each request that let it pass still has its quorum among people who hold the right."""
        verdict = Verdict.objects.filter(pk=action.cleared_by or UUID(int=0)).first()
        if verdict is None:
            return False
        if verdict.outcome == Outcome.ALLOW:
            return True
        return all(_holders(action, term["queue"]) >= term["quorum"] for term in verdict.terms)

    def may_observe(self, action: Action) -> bool:
        """Companions only read, under the same connection; policies that forbid it deny the tool itself."""
        return action.tool.is_enabled


def _store(action: Action, judgement: Judgement, binding: str) -> Verdict:
    evaluation = judgement.evaluation
    verdict = Verdict.objects.create(
        workspace_id=action.workspace_id,
        action=action,
        outcome=evaluation.outcome,
        reasons=list(evaluation.reasons),
        matched=rules_json(evaluation),
        terms=[{"queue": t.queue, "quorum": t.quorum} for t in _queues(judgement)],
        inputs=judgement.inputs,
        policy_versions=judgement.policy_versions,
        binding=binding,
    )
    record(
        workspace_id=action.workspace_id,
        actor=actor_text(GATE),
        verb="action.judged",
        subject=("action", action.id),
        body={"verdict": str(verdict.id), "outcome": str(evaluation.outcome), "binding": binding},
    )
    return verdict


def _queues(judgement: Judgement) -> tuple[QueueTerms, ...]:
    return judgement.evaluation.review.queues if judgement.evaluation.review else ()


def _act(action: Action, judgement: Judgement, verdict: Verdict, previous: Verdict | None) -> None:
    outcome = judgement.evaluation.outcome
    if outcome == Outcome.DENY:
        _deny(action, judgement)
    elif outcome == Outcome.ALLOW or _decisions_still_serve(action, verdict, previous):
        let_pass(action, verdict, by=GATE)
    else:
        _ask_people(action, judgement, verdict, previous)


def _deny(action: Action, judgement: Judgement) -> None:
    supersede_requests(action, "The action was gated again and is denied.")
    if action.status == ActionStatus.APPROVED:
        transition(action, ActionStatus.PROPOSED, by=GATE, cleared_binding="", cleared_until=None)
    transition(
        action,
        ActionStatus.DENIED,
        by=GATE,
        explanation=" ".join(judgement.evaluation.reasons),
        finished_at=timezone.now(),
    )


def let_pass(action: Action, verdict: Verdict, *, by: Any) -> None:
    """Give the clearance: bound to the verdict's digest, for a limited time by the database's clock."""
    clearance: dict[str, Any] = {
        "cleared_by": verdict.id,
        "cleared_binding": verdict.binding,
        "cleared_until": ClockTimestamp() + timedelta(seconds=settings.CLEARANCE_SECONDS),
    }
    if action.status != ActionStatus.APPROVED:
        transition(action, ActionStatus.APPROVED, by=by, body={"verdict": str(verdict.id)}, **clearance)
        return
    Action.objects.filter(pk=action.pk, status=ActionStatus.APPROVED).update(**clearance)
    record(
        workspace_id=action.workspace_id,
        actor=actor_text(by),
        verb="action.cleared_again",
        subject=("action", action.id),
        body={"verdict": str(verdict.id), "binding": verdict.binding},
    )


def _decisions_still_serve(action: Action, verdict: Verdict, previous: Verdict | None) -> bool:
    """Say whether earlier decisions satisfy the new verdict: same world, and the quorum still holds the right."""
    if action.status != ActionStatus.APPROVED or previous is None or action.effect == Effect.READ:
        return False
    if previous.inputs.get("before_digest") != verdict.inputs.get("before_digest"):
        return False
    return all(_holders(action, term["queue"]) >= term["quorum"] for term in verdict.terms)


def _holders(action: Action, queue: str) -> int:
    """Count the distinct people who approved in ``queue`` and still may decide there."""
    agreed = Request.objects.filter(action=action, queue__name=queue, status=RequestStatus.APPROVED).prefetch_related(
        "decisions__user"
    )
    people = {
        decision.user
        for request in agreed
        for decision in request.decisions.all()
        if decision.kind == DecisionKind.APPROVE
    }
    return sum(
        1
        for user in people
        if ReviewQueue.objects.decidable_by(user).filter(workspace_id=action.workspace_id, name=queue).exists()
    )


def _ask_people(action: Action, judgement: Judgement, verdict: Verdict, previous: Verdict | None) -> None:
    drift = _drift(action, previous, verdict)
    supersede_requests(action, "What it rested on has changed; it was asked again.")
    transition(
        action,
        ActionStatus.IN_REVIEW,
        by=GATE,
        body={"verdict": str(verdict.id)},
        cleared_binding="",
        cleared_until=None,
    )
    review, context = judgement.evaluation.review, judgement.context
    if review is None or context is None:
        raise AssertionError("A review has terms and a context.")
    evidence = evidence_of(
        action, context, judgement.evaluation, has_undo=judgement.has_undo, binding=verdict.binding, drift=drift
    )
    for term in review.queues:
        open_request(
            kind=RequestKind.ACTION,
            workspace_id=action.workspace_id,
            queue_name=term.queue,
            quorum=term.quorum,
            time_limit_seconds=review.time_limit_seconds,
            on_expiry=review.on_expiry,
            action=action,
            verdict=verdict,
            run_id=action.run_id,
            agent_id=action.agent_id,
            title=title_of(action),
            reasons=list(judgement.evaluation.reasons),
            evidence=evidence,
            causes=action.causes,
            by=GATE,
        )


def _drift(action: Action, previous: Verdict | None, verdict: Verdict) -> dict[str, Any] | None:
    """Return what was decided on and what is there now, where the world moved after people had seen it."""
    if previous is None or previous.inputs.get("before_digest") == verdict.inputs.get("before_digest"):
        return None
    shown = Request.objects.filter(action=action, kind=RequestKind.ACTION).order_by("-opened_at").first()
    return None if shown is None else {"before": shown.evidence.get("before"), "now": action.before_image}


def supersede_requests(action: Action, explanation: str) -> None:
    """Close every open or approved request about ``action`` because something newer takes its place."""
    rows = Request.objects.select_for_update().filter(
        action=action, status__in=[RequestStatus.OPEN, RequestStatus.APPROVED], kind=RequestKind.ACTION
    )
    for request in rows:
        transition(request, RequestStatus.SUPERSEDED, by=GATE, explanation=explanation, closed_at=timezone.now())
