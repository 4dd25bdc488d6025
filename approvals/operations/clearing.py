"""Clearing: storing the gate's verdict and acting on it. This is what ``tools.ports.Gate`` is in this house."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from approvals.errors import NoQueue
from approvals.evidence import evidence_of, rules_json
from approvals.gate import (
    Judgement,
    active_versions,
    denied,
    judge,
    may_look,
    may_use_connection,
    policy_digest,
    seen_by_people,
)
from approvals.models import Decision, PolicyVersion, Request, ReviewQueue, Verdict, VersionStatus
from approvals.operations.opening import announce, open_request, queue_named
from approvals.operations.simulating import is_simulated, simulate_judged
from approvals.permissions import distinct_people
from approvals.policies.evaluate import Evaluation, Match, QueueTerms, ReviewTerms
from approvals.policies.rules import DAY
from approvals.ports import ActionContext
from approvals.sentences import title_of
from approvals.states import DecisionKind, ExpiryDoes, Outcome, RequestKind, RequestStatus
from audit.ledger.recording import record
from tools.bindings import binding_of
from tools.environments import connection_of
from tools.errors import Paused
from tools.models import Action
from tools.signals import action_moved
from tools.states import ActionStatus
from workspaces.actors import System, actor_text
from workspaces.database import ClockTimestamp
from workspaces.models import Pause, User
from workspaces.salts import salted
from workspaces.transitions import transition

GATE = System("gate")
REVISED = "Somebody edited it while it was for people to decide on, so it is for others to decide on still."


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
            judgement = _in_real_queues(_not_less_than_before(action, judge(action, versions)), action.workspace_id)
            binding = binding_of(action, connection=connection_of(action), policy_digest=policy_digest(versions))
            verdict = _store(action, judgement, binding)
            _act(action, judgement, verdict)
            transaction.on_commit(lambda: action_moved.send(Action, action_id=action_id))
        return action

    def policy_digest(self, workspace_id: UUID) -> str:
        in_force = PolicyVersion.objects.in_force(workspace_id).order_by("id")
        return policy_digest(list(in_force.only("id", "digest")))

    def still_holds(self, action: Action) -> bool:
        """Say whether the rights that it rests on are still held.

        The run's starter may use the connection, and each request that let it pass has its quorum of those who may.
        """
        verdict = Verdict.objects.filter(pk=action.cleared_by or UUID(int=0)).first()
        if verdict is None or not may_use_connection(action):
            return False
        return verdict.outcome == Outcome.ALLOW or _quorums_hold(action, verdict.terms)

    def standing(self, action: Action) -> Q:
        """Return the condition "the policy versions that the clearance's verdict names are those in force now".

        Part of the claim's UPDATE, so that a policy which is activated in the last moment still counts.
        """
        in_force = PolicyVersion.objects.filter(workspace_id=action.workspace_id, status=VersionStatus.ACTIVE)
        now = ArraySubquery(in_force.order_by("id").values("id"))
        return Q(Exists(Verdict.objects.filter(pk=OuterRef("cleared_by"), policy_versions=now)))

    def may_observe(self, action: Action) -> bool:
        """Say whether neither a rule nor a missing right forbids looking; companions only read, the same way."""
        allowed = action.tool.is_enabled and may_use_connection(action)
        return allowed and may_look(action, active_versions(action.workspace_id))


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
        body={"verdict": str(verdict.id), "outcome": str(evaluation.outcome), "binding": _salted(action, binding)},
    )
    return verdict


def _not_less_than_before(action: Action, judgement: Judgement) -> Judgement:
    """Ask people about a revision where they were to decide on what it revises, whatever the policy says of it alone.

    An editor's values count as trusted, so an edit could discharge the very rule that asked for other people.
    """
    before = Verdict.objects.filter(action=action.revises_id).order_by("-at").first() if action.revises_id else None
    if before is None or before.outcome != Outcome.REVIEW or judgement.evaluation.outcome != Outcome.ALLOW:
        return judgement
    match = Match("revised-in-review", Outcome.REVIEW, REVISED)
    terms = ReviewTerms(tuple(QueueTerms(t["queue"], t["quorum"]) for t in before.terms), DAY, ExpiryDoes.EXPIRE)
    matched = (*judgement.evaluation.matched, match)
    return replace(judgement, evaluation=Evaluation(Outcome.REVIEW, matched, (REVISED,), terms))


def _in_real_queues(judgement: Judgement, workspace_id: UUID) -> Judgement:
    """Put the queues that are there, and their own quorums, in the place of those that rules name."""
    evaluation = judgement.evaluation
    if evaluation.review is None:
        return judgement
    quorums: dict[str, int] = {}
    try:
        for term in evaluation.review.queues:
            queue = queue_named(workspace_id, term.queue)
            quorums[queue.name] = max(term.quorum, queue.quorum, quorums.get(queue.name, 0))
    except NoQueue as error:
        return replace(judgement, evaluation=denied("somebody-can-be-asked", f"{error.message} {error.hint}"))
    queues = tuple(QueueTerms(name, quorum) for name, quorum in sorted(quorums.items()))
    return replace(judgement, evaluation=replace(evaluation, review=replace(evaluation.review, queues=queues)))


def _queues(judgement: Judgement) -> tuple[QueueTerms, ...]:
    return judgement.evaluation.review.queues if judgement.evaluation.review else ()


def _act(action: Action, judgement: Judgement, verdict: Verdict) -> None:
    review, context = judgement.evaluation.review, judgement.context
    if is_simulated(action, judgement):
        simulate_judged(action, judgement, verdict, by=GATE)
    elif judgement.evaluation.outcome == Outcome.ALLOW:
        let_pass(action, verdict, by=GATE)
    elif review is None or context is None:
        _deny(action, judgement)
    elif _decisions_still_serve(action, verdict):
        let_pass(action, verdict, by=GATE)
    else:
        _ask_people(action, judgement, verdict, review, context)


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
        body={"verdict": str(verdict.id), "binding": _salted(action, verdict.binding)},
    )


def _salted(action: Action, binding: str) -> str:
    return salted(action.workspace_id, action.run_id, binding)


def _decisions_still_serve(action: Action, verdict: Verdict) -> bool:
    """Say whether earlier decisions satisfy the new verdict (invariant 3)."""
    return action.status == ActionStatus.APPROVED and _quorums_hold(action, verdict.terms)


def _quorums_hold(action: Action, terms: list[dict[str, Any]]) -> bool:
    """Say whether each queue has its quorum, and all of them together as many different people as they ask for."""
    agreed = [_holders(action, term["queue"]) for term in terms]
    each = all(distinct_people(users) >= term["quorum"] for users, term in zip(agreed, terms, strict=True))
    together = distinct_people(user for users in agreed for user in users)
    return bool(terms) and each and together >= sum(term["quorum"] for term in terms)


def _holders(action: Action, queue: str) -> list[User]:
    """Return who approved in ``queue``, still may decide there, and saw the world and the tool as they are."""
    agreed = Decision.objects.filter(
        kind=DecisionKind.APPROVE,
        request__action=action,
        request__kind=RequestKind.ACTION,
        request__status=RequestStatus.APPROVED,
        request__queue__name=queue,
        request__verdict__inputs__contains=seen_by_people(action),
    )
    asked = ReviewQueue.objects.filter(workspace_id=action.workspace_id, name=queue)
    users = [decision.user for decision in agreed.select_related("user")]
    return [user for user in users if asked.decidable_by(user).exists()]


def _ask_people(
    action: Action, judgement: Judgement, verdict: Verdict, review: ReviewTerms, context: ActionContext
) -> None:
    drift = _drift(action)
    supersede_requests(action, "What it rested on has changed; it was asked again.")
    transition(
        action,
        ActionStatus.IN_REVIEW,
        by=GATE,
        body={"verdict": str(verdict.id)},
        cleared_binding="",
        cleared_until=None,
    )
    evidence = evidence_of(
        action,
        context,
        judgement.evaluation,
        has_undo=judgement.has_undo,
        binding=verdict.binding,
        drift=drift,
        confidence=judgement.inputs.get("confidence"),
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


def _drift(action: Action) -> dict[str, Any] | None:
    """Return what people were shown last and what is there now, where the world has moved in between."""
    requests = Request.objects.filter(action=action, kind=RequestKind.ACTION).select_related("verdict")
    shown = requests.order_by("-opened_at").first()
    if shown is None or shown.verdict is None or shown.verdict.inputs["before_digest"] == action.before_digest:
        return None
    return {"before": shown.evidence["before"], "now": action.before_image}


def supersede_requests(action: Action, explanation: str) -> None:
    """Close every open or approved request about ``action`` because something newer takes its place."""
    rows = Request.objects.select_for_update().filter(
        action=action, status__in=[RequestStatus.OPEN, RequestStatus.APPROVED], kind=RequestKind.ACTION
    )
    for request in rows:
        transition(request, RequestStatus.SUPERSEDED, by=GATE, explanation=explanation, closed_at=timezone.now())
        announce(request)
