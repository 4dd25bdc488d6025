"""What happened to a request, in order, from rows: opened, decided, tried, read back, ended."""

from approvals.console.surroundings import Surroundings
from approvals.models import Decision
from approvals.states import RequestStatus
from tools.models import Action, ActionAttempt
from tools.states import AttemptKind, AttemptOutcome
from workspaces.console.shapes import TimelineItem


def history(around: Surroundings) -> list[TimelineItem]:
    """Return everything that is on record about the request and its action, oldest first."""
    request = around.request
    items = [TimelineItem(title="Asked", kind="request", value="open", at=request.opened_at, key="opened")]
    items += [_decision(decision) for decision in request.decisions.all()]
    action = request.action
    items += [_attempt(attempt, action) for attempt in around.attempts if action]
    if request.closed_at and request.status in {
        RequestStatus.EXPIRED,
        RequestStatus.CANCELLED,
        RequestStatus.SUPERSEDED,
    }:
        items.append(
            TimelineItem(
                title="Closed",
                kind="request",
                value=request.status,
                at=request.closed_at,
                note=request.explanation,
                key="closed",
            )
        )
    if action and action.finished_at:
        note = action.explanation
        items.append(
            TimelineItem(
                title="The action ended",
                kind="action",
                value=action.status,
                at=action.finished_at,
                note=note,
                key="end",
            )
        )
    return sorted(items, key=lambda item: item.at)


def _decision(decision: Decision) -> TimelineItem:
    limits = [("New limit", f"{decision.amount.normalize():f} USD")] if decision.amount is not None else []
    steps = [("New step limit", str(decision.steps))] if decision.steps is not None else []
    settled = decision.settlement
    return TimelineItem(
        title="Settled" if settled else "Decided",
        kind="settlement" if settled else "decision",
        value=settled or decision.kind,
        at=decision.at,
        by=str(decision.user),
        note=decision.reason,
        facts=[*limits, *steps],
        key=str(decision.id),
    )


def _attempt(attempt: ActionAttempt, action: Action) -> TimelineItem:
    took = attempt.finished_at - attempt.started_at if attempt.finished_at else None
    read_back = attempt.kind == AttemptKind.VERIFY and attempt.outcome == AttemptOutcome.DONE
    as_expected = read_back and action.after_image is not None and attempt.evidence.get("image") == action.after_image
    number = f" {attempt.number}" if attempt.kind == AttemptKind.EXECUTE and attempt.number > 1 else ""
    return TimelineItem(
        title=f"{attempt.get_kind_display()}{number}",
        kind="attempt",
        value=attempt.outcome,
        at=attempt.started_at,
        took=took,
        note=attempt.explanation,
        data=attempt.evidence or None,
        proof="verified" if as_expected else "",
        key=str(attempt.id),
    )
