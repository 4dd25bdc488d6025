"""Opening requests: everything that waits for people, in one table and one inbox."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from approvals.errors import NoQueue
from approvals.evidence import settle_evidence
from approvals.models import Request, ReviewQueue, Verdict
from approvals.ports import context_source
from approvals.signals import request_moved
from approvals.states import ExpiryDoes, RequestKind, RequestStatus
from audit.ledger.recording import record
from tools.connectors.base import Probe
from tools.models import Action
from workspaces import live
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest
from workspaces.database import ClockTimestamp
from workspaces.salts import salted

STOPPED = "A run stops at its limit until a person extends it."


def queue_named(workspace_id: UUID, name: str) -> ReviewQueue:
    """Return the queue of that name, or the workspace's default queue where a rule names one that is not there.

    Raise :class:`NoQueue` where there is neither.
    """
    meant = ReviewQueue.objects.filter(Q(name=name) | Q(is_default=True), workspace_id=workspace_id)
    found = meant.order_by("is_default").first()
    if found is None:
        raise NoQueue("Nobody can be asked: there is no default review queue.")
    return found


def open_request(
    *,
    kind: RequestKind,
    workspace_id: UUID,
    queue_name: str,
    run_id: UUID,
    agent_id: UUID,
    title: str,
    evidence: dict[str, Any],
    causes: list[UUID],
    by: Actor,
    quorum: int = 1,
    time_limit_seconds: int | None = None,
    on_expiry: ExpiryDoes | None = None,
    reasons: list[str] | None = None,
    action: Action | None = None,
    verdict: Verdict | None = None,
) -> Request:
    """Open a request; the strictest of the asked and the queue's own quorum and time limit holds."""
    queue = queue_named(workspace_id, queue_name)
    seconds = min(time_limit_seconds or queue.time_limit_seconds, queue.time_limit_seconds)
    with transaction.atomic():
        request = Request.objects.create(
            workspace_id=workspace_id,
            kind=kind,
            queue=queue,
            action=action,
            verdict=verdict,
            run_id=run_id,
            agent_id=agent_id,
            title=title,
            reasons=reasons or [],
            evidence=evidence,
            evidence_digest=digest(evidence),
            causes=who_caused(action, queue, causes),
            quorum=max(quorum, queue.quorum),
            on_expiry=on_expiry or queue.on_expiry,
            expires_at=ClockTimestamp() + timedelta(seconds=seconds),
        )
        request.refresh_from_db(fields=["expires_at"])
        seen = salted(workspace_id, run_id, request.evidence_digest)
        record(
            workspace_id=workspace_id,
            actor=actor_text(by),
            verb="request.opened",
            subject=("request", request.id),
            body={"kind": str(kind), "action": str(action.id) if action else None, "evidence": seen},
        )
        announce(request)
    return request


def who_caused(action: Action | None, queue: ReviewQueue, causes: list[UUID]) -> list[UUID]:
    """Return who may not decide in ``queue``: everybody who caused it.

    Those who only worded it are left out where *this* queue lets editors approve their wording; never for money.
    """
    if action is None or action.revises is None or not queue.editors_may_approve or action.tool.moves_money:
        return causes
    first = action.revises
    while first.revises is not None:
        first = first.revises
    return first.causes


def announce(request: Request) -> None:
    """Tell the floors above and the pages that show it, once the transaction has committed."""
    live.announce(workspace_id=request.workspace_id, kind="request", id=request.id, run_id=request.run_id)
    transaction.on_commit(
        lambda: request_moved.send(
            Request, request_id=request.id, run_id=request.run_id, workspace_id=request.workspace_id
        )
    )


def ask_to_settle(*, action_id: UUID, probe: Probe, by: Actor) -> Request:
    """Ask people about an action in doubt, with the probe's evidence; one open request an action."""
    with transaction.atomic():
        action = Action.objects.select_for_update(of=("self",)).select_related("tool__connection").get(pk=action_id)
        present = Request.objects.filter(action=action, kind=RequestKind.SETTLE, status=RequestStatus.OPEN).first()
        if present is not None:
            return present
        last = Request.objects.filter(action=action).select_related("queue").order_by("-opened_at").first()
        evidence = settle_evidence(
            action,
            probe.sentence,
            {"happened": probe.happened, "evidence": probe.evidence, "after": probe.after},
            list(action.attempts.order_by("started_at")),
            context_source().for_action(action.id),
        )
        return open_request(
            kind=RequestKind.SETTLE,
            workspace_id=action.workspace_id,
            queue_name=last.queue.name if last else "",
            run_id=action.run_id,
            agent_id=action.agent_id,
            action=action,
            title=evidence["sentence"][:300],
            reasons=["Nobody but a person can find out whether this happened."],
            evidence=evidence,
            causes=action.causes,
            by=by,
        )


def ask_form(
    *,
    workspace_id: UUID,
    queue_name: str,
    run_id: UUID,
    agent_id: UUID,
    title: str,
    evidence: dict[str, Any],
    causes: list[UUID],
    by: Actor,
    time_limit_seconds: int | None = None,
) -> Request:
    """Ask people to fill in the form in ``evidence``; an approval carries the answers."""
    return open_request(
        kind=RequestKind.FORM,
        workspace_id=workspace_id,
        queue_name=queue_name,
        run_id=run_id,
        agent_id=agent_id,
        title=title,
        reasons=["The workflow asks for it and waits for the answer."],
        evidence=evidence,
        causes=causes,
        time_limit_seconds=time_limit_seconds,
        by=by,
    )


def ask_for_budget(
    *,
    workspace_id: UUID,
    run_id: UUID,
    agent_id: UUID,
    title: str,
    evidence: dict[str, Any],
    causes: list[UUID],
    by: Actor,
) -> Request:
    """Ask people whether a run that stands at its limit may go on; one open request a run.

    Where ``evidence`` names a ``budget``, it says who may extend it.
    """
    budget = evidence.get("budget")
    with transaction.atomic():
        present = Request.objects.filter(run_id=run_id, kind=RequestKind.BUDGET, status=RequestStatus.OPEN).first()
        return present or open_request(
            kind=RequestKind.BUDGET,
            workspace_id=workspace_id,
            queue_name="",
            run_id=run_id,
            agent_id=agent_id,
            title=title,
            reasons=[STOPPED, *([budget["who"]] if budget and budget["owners_only"] else [])],
            evidence=evidence,
            causes=causes,
            by=by,
        )
