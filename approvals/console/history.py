"""What happened to a request, in order, from rows: opened, decided, tried, read back, ended."""

from datetime import datetime
from typing import Final

from approvals.console.surroundings import Surroundings
from approvals.models import Decision, Request
from approvals.permissions import CLOSES
from approvals.states import DecisionKind
from tools.models import Action, ActionAttempt, Unit
from tools.models.budget import limit_text
from tools.states import ActionStatus, AttemptKind, AttemptOutcome
from workspaces.console.shapes import TimelineItem
from workspaces.console.words import look

ENDED_BY_DECISION: Final = {ActionStatus.REJECTED, ActionStatus.ANSWERED, ActionStatus.SUPERSEDED}
"""How an action ends in the moment of the decision: the decision is the line that says so."""


def history(around: Surroundings) -> list[TimelineItem]:
    """Return everything that is on record about the request and its action, oldest first."""
    request = around.request
    items = [TimelineItem(title="Asked", kind="request", value="open", at=request.opened_at, key="opened", plain=True)]
    items += [_decision(decision) for decision in request.decisions.all()]
    action = request.action
    items += [_attempt(attempt, action) for attempt in around.attempts if action]
    decided = any(CLOSES[DecisionKind(one.kind)] == request.status for one in request.decisions.all())
    if request.closed_at and not decided:
        items.append(_closed(request, request.closed_at))
    if action and action.finished_at and action.status not in ENDED_BY_DECISION:
        items.append(_ended(action, action.finished_at, around.attempts))
    return sorted(items, key=lambda item: item.at)


def _closed(request: Request, at: datetime) -> TimelineItem:
    note = request.explanation
    return TimelineItem(title="Closed", kind="request", value=request.status, at=at, note=note, key="closed")


def _ended(action: Action, at: datetime, attempts: list[ActionAttempt]) -> TimelineItem:
    read_back = any(attempt.kind == AttemptKind.VERIFY for attempt in attempts)
    note = "" if read_back else action.explanation
    return TimelineItem(title="The action ended", kind="action", value=action.status, at=at, note=note, key="end")


def _decision(decision: Decision) -> TimelineItem:
    unit = (decision.request.evidence.get("budget") or {"unit": Unit.USD})["unit"]
    limits = [("New limit", limit_text(decision.amount, unit))] if decision.amount is not None else []
    steps = [("New step limit", str(decision.steps))] if decision.steps is not None else []
    steps += [("New time limit", f"{decision.seconds:,} s")] if decision.seconds is not None else []
    kind, value = ("settlement", decision.settlement) if decision.settlement else ("decision", decision.kind)
    return TimelineItem(
        title=look(kind, value).word,
        kind=kind,
        value=value,
        plain=True,
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
        note=attempt.explanation or (action.explanation if read_back else ""),
        data=attempt.evidence or None,
        proof="verified" if as_expected else "",
        key=str(attempt.id),
    )
