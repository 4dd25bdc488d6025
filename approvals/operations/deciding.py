"""Deciding: one person's answer to one request. Of two at once, exactly one wins."""

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from approvals.errors import EvidenceChanged
from approvals.models import Decision, Request, Verdict
from approvals.operations.clearing import let_pass
from approvals.operations.extending import Limits, check_extension
from approvals.operations.filling import check_filled_in
from approvals.operations.opening import announce
from approvals.permissions import check_can_decide, check_is_open
from approvals.states import DecisionKind, RequestKind, RequestStatus, Settlement
from audit.ledger.recording import record
from tools.environments import connection_in
from tools.models import Action
from tools.operations.proposing import leaf_json, propose
from tools.operations.settling import settle
from tools.provenance import Source, trace
from tools.schemas import validate
from tools.signals import action_moved
from tools.states import ActionStatus
from workspaces.actors import actor_text
from workspaces.canonical import digest, sanitise
from workspaces.database import ClockTimestamp
from workspaces.errors import InvalidInput, NotFound
from workspaces.failpoints import Failpoint, reached
from workspaces.models import User
from workspaces.salts import salted
from workspaces.transitions import transition

MAX_REASON = 4000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person says. ``seen`` is the digest of the evidence they looked at.

    ``arguments`` belong to an edit, or are what a form is filled in with; ``settlement`` to a ``settle`` request;
    ``amount`` to a ``budget`` request (the new limit, in the budget's unit); ``steps`` and ``seconds`` likewise (the
    run's new step and time limit).
    """

    kind: DecisionKind
    seen: str
    reason: str = ""
    arguments: dict[str, Any] | None = None
    settlement: Settlement | None = None
    amount: Decimal | None = None
    steps: int | None = None
    seconds: int | None = None


def decide(*, request_id: UUID, answer: Answer, by: User) -> Decision:
    """Record ``by``'s answer and everything that follows from it, in one transaction.

    Raise ``NotFound`` for requests the person may not see, :class:`approvals.errors.MayNotDecide` (403),
    :class:`AlreadyDecided` and :class:`EvidenceChanged` (409), ``InvalidInput`` (422).
    """
    with transaction.atomic():
        transaction.on_commit(partial(reached, Failpoint.REQUEST_DECIDED))
        request = _lock(request_id, by)
        check_is_open(request, is_late=request.is_late)
        check_can_decide(by, request, answer.kind)
        if answer.seen != request.evidence_digest:
            raise EvidenceChanged("The request has changed since you opened it.")
        _check_answer(request, answer)
        revision = _revise(request, answer, by) if answer.kind == DecisionKind.EDIT else None
        decision = _store(request, answer, by, revision)
        _follow(request, answer, decision, by)
        announce(request)
    return decision


def _lock(request_id: UUID, by: User) -> Any:
    """Lock action, then request (DESIGN section 5), and return the request as it is now."""
    found = Request.objects.visible_to(by).filter(pk=request_id).values_list("action_id", flat=True).first()
    if found is None and not Request.objects.visible_to(by).filter(pk=request_id).exists():
        raise NotFound("There is no such request.")
    if found is not None:
        Action.objects.select_for_update(no_key=True).get(pk=found)
    rows = Request.objects.select_for_update(of=("self",)).annotate(is_late=Q(expires_at__lte=ClockTimestamp()))
    return rows.select_related("queue", "action__tool__connection", "verdict").get(pk=request_id)


def _check_answer(request: Request, answer: Answer) -> None:
    if len(answer.reason) > MAX_REASON:
        raise InvalidInput(f"A reason may have at most {MAX_REASON} characters.", "Shorten it.")
    if answer.kind in {DecisionKind.REJECT, DecisionKind.RESPOND} and not answer.reason.strip():
        raise InvalidInput(
            "Say why: the agent receives the reason and acts on it.", fields={"reason": ["This may not be empty."]}
        )
    if request.kind == RequestKind.SETTLE and (answer.settlement is None or answer.kind != DecisionKind.APPROVE):
        raise InvalidInput("Say whether it happened.", fields={"settlement": ["Choose: happened, retry or give_up."]})
    if request.kind == RequestKind.BUDGET and answer.kind == DecisionKind.APPROVE:
        check_extension(request, Limits(answer.amount, answer.steps, answer.seconds))
    if answer.kind == DecisionKind.RESPOND and request.kind != RequestKind.ACTION:
        raise InvalidInput("This request cannot be answered with a message.", "Approve or reject it.")


def _store(request: Request, answer: Answer, by: User, revision: Action | None) -> Decision:
    decision = Decision.objects.create(
        workspace_id=request.workspace_id,
        request=request,
        user=by,
        kind=answer.kind,
        reason=sanitise(answer.reason.strip()),
        settlement=answer.settlement or "",
        amount=answer.amount,
        steps=answer.steps,
        seconds=answer.seconds,
        answers=_answers(request, answer),
        revision=revision,
        evidence_digest=answer.seen,
    )
    record(
        workspace_id=request.workspace_id,
        actor=actor_text(by),
        verb="request.decided",
        subject=("request", request.id),
        body={
            "decision": str(decision.id),
            "kind": str(answer.kind),
            "evidence": salted(request.workspace_id, request.run_id, answer.seen),
            "reason": salted(request.workspace_id, request.run_id, decision.reason) if decision.reason else None,
            "revision": str(revision.id) if revision else None,
        },
    )
    return decision


def _answers(request: Request, answer: Answer) -> dict[str, Any] | None:
    filled_in = request.kind == RequestKind.FORM and answer.kind == DecisionKind.APPROVE
    return check_filled_in(request, answer.arguments) if filled_in else None


def _follow(request: Request, answer: Answer, decision: Decision, by: User) -> None:
    if answer.kind == DecisionKind.APPROVE:
        _approve(request, decision, by)
    elif answer.kind == DecisionKind.REJECT:
        _close(request, RequestStatus.REJECTED, by, decision.reason)
        _end_action(request, ActionStatus.REJECTED, by, decision.reason)
    elif answer.kind == DecisionKind.RESPOND:
        _close(request, RequestStatus.ANSWERED, by, decision.reason)
        _end_action(request, ActionStatus.ANSWERED, by, decision.reason)
    else:
        _close(request, RequestStatus.SUPERSEDED, by, "It was edited; the revision is gated anew.")
        _end_action(request, ActionStatus.SUPERSEDED, by, "It was edited.")


def _close(request: Request, status: RequestStatus, by: User, explanation: str) -> None:
    transition(request, status, by=by, explanation=explanation, closed_at=timezone.now())


def _approve(request: Request, decision: Decision, by: User) -> None:
    if _agreeing(request, decision) < request.quorum:
        return
    _close(request, RequestStatus.APPROVED, by, "")
    if request.kind == RequestKind.SETTLE:
        _settle(request, decision, by)
    elif request.kind == RequestKind.ACTION:
        _clear_when_all_agree(request, by)


def _agreeing(request: Request, decision: Decision) -> int:
    """Count one approval more, and return how many people say the same; the request is locked.

    Two people who settle a doubt in different ways do not agree on anything.
    """
    if request.kind == RequestKind.SETTLE:
        agreed = request.decisions.filter(settlement=decision.settlement).count()
        Request.objects.filter(pk=request.pk).update(approvals=Greatest(F("approvals"), agreed))
        return agreed
    Request.objects.filter(pk=request.pk).update(approvals=F("approvals") + 1)
    request.refresh_from_db(fields=["approvals"])
    return request.approvals


def _clear_when_all_agree(request: Request, by: User) -> None:
    action, verdict = request.action, request.verdict
    if action is None or verdict is None:
        raise AssertionError("A request about an action has an action and a verdict.")
    if Request.objects.filter(verdict=verdict, status=RequestStatus.OPEN).exists():
        return
    let_pass(action, Verdict.objects.get(pk=verdict.pk), by=by)
    _tell(action)


def _settle(request: Request, decision: Decision, by: User) -> None:
    action = request.action
    if action is None:
        raise AssertionError("A settle request has an action.")
    settlement = Settlement(decision.settlement)
    settle(
        action_id=action.id,
        happened=settlement == Settlement.HAPPENED,
        retry=settlement == Settlement.RETRY,
        sentence=decision.reason or f"{by} settled it: {settlement.label.lower()}.",
        by=by,
    )
    _tell(action)


def _end_action(request: Request, status: ActionStatus, by: User, explanation: str) -> None:
    """End the action, and with it the requests in other queues about the same action; siblings are not touched."""
    action = request.action
    if action is None or action.status != ActionStatus.IN_REVIEW:
        return
    transition(action, status, by=by, explanation=explanation, finished_at=timezone.now())
    others = Request.objects.select_for_update().filter(action=action, status=RequestStatus.OPEN)
    for other in others:
        transition(
            other,
            RequestStatus.CANCELLED,
            by=by,
            closed_at=timezone.now(),
            explanation="The action was decided on in another queue.",
        )
    _tell(action)


def _tell(action: Action) -> None:
    transaction.on_commit(lambda: action_moved.send(Action, action_id=action.id))


def _revise(request: Request, answer: Answer, by: User) -> Action:
    """Make the new action that the edit amounts to; it is gated from the start."""
    old = request.action
    if old is None or answer.arguments is None:
        raise InvalidInput("An edit needs the new arguments.", fields={"arguments": ["This may not be empty."]})
    arguments = sanitise(answer.arguments)
    problems = validate(arguments, old.tool.input_schema)
    if problems:
        fields: dict[str, list[str]] = {}
        for problem in problems:
            fields.setdefault(problem.path or "arguments", []).append(problem.sentence)
        raise InvalidInput("The new arguments do not fit the tool.", "Correct the fields named.", fields)
    if digest(arguments) == old.arguments_digest:
        raise InvalidInput("Nothing was changed.", "Approve it as it is, or change something.")
    way = connection_in(old.tool, old.environment)
    return propose(
        tool=old.tool,
        arguments=arguments,
        step_id=old.step_id,
        run_id=old.run_id,
        agent_id=old.agent_id,
        agent_version_id=old.agent_version_id,
        environment=old.environment,
        causes=sorted({*old.causes, *(UUID(person) for person in by.cause_ids())}),
        scopes=[scope for scope in old.scopes if scope not in {old.tool_id, way.id if way else None}],
        provenance=edited_provenance(old, arguments, by),
        untrusted_influence=old.untrusted_influence,
        planned=old.planned,
        revises=old,
        by=by,
    )


def edited_provenance(old: Action, arguments: dict[str, Any], by: User) -> list[dict[str, Any]]:
    """Trace edited arguments: what the person changed comes from them, the rest from where it came before."""
    before = {leaf["path"]: leaf for leaf in old.provenance}
    record_before = Source("before the edit", "untrusted", "record", old.arguments)
    unchanged = {leaf.path: leaf for leaf in trace(arguments, [record_before])}
    person = f"person:{by.id}"
    result = []
    for leaf in trace(arguments, [Source(person, "trusted", "person", arguments)]):
        same = unchanged[leaf.path].sources and leaf.path in before and before[leaf.path]["value"] == leaf.value_excerpt
        result.append(before[leaf.path] if same else leaf_json(replace(leaf, trusted=True, coincidence=False)))
    return result
