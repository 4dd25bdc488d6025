"""Rolling back as people read it: the preview before, and the report after, from what the systems themselves showed."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from agents.console.changes import changed_fields
from agents.console.timeline import proof_of
from agents.models import Run
from agents.states import RunStatus
from tools.models import Action, ActionAttempt
from tools.states import AttemptKind
from workspaces.console.differences import FieldDiff
from workspaces.console.links import run_url
from workspaces.console.run_shapes import RollbackLine, RollbackPreview

FATES: Final = {"restore": "restored", "drifted": "drifted", "done": "done", "impossible": "impossible"}
"""What a preview calls an effect, by the plan's own word."""

ENDS: Final = {"restored": "unread", "drifted": "left", "done": "before", "impossible": "not_possible"}
"""What a report calls an effect, by what the engine recorded; whatever else there is did not come about."""


def preview_of(run: Run, may: bool) -> RollbackPreview:
    """Return a stored plan (``rolls_back`` selected); ``may`` says whether this person may confirm it."""
    plan = run.plan or []
    return RollbackPreview(
        run=str(run.rolls_back_id),
        run_url=run_url(str(run.rolls_back_id)),
        at=run.created_at,
        digest=run.plan_digest,
        environment=run.environment,
        confirm_url=reverse("runs:rollback-confirm", args=[run.id]),
        lines=[_preview_line(item) for item in plan],
        why_not=_why_not(run, may),
        discard_url=reverse("runs:cancel", args=[run.id]) if may and run.is_preview else "",
        rollback_url="" if run.is_preview else run_url(run.id),
    )


def _why_not(run: Run, may: bool) -> str:
    if run.status == RunStatus.CANCELLED and run.explanation:
        return run.explanation
    if not run.is_preview:
        return "This preview was confirmed or cancelled already."
    return "" if may else f"You may not roll back runs of {run.agent.title}."


def _preview_line(item: Mapping[str, Any]) -> RollbackLine:
    fate = FATES.get(item["verdict"], "impossible")
    return RollbackLine(
        title=item["title"],
        fate=fate,
        sentence=item["sentence"],
        changes=_changes(item) if fate in ("restored", "drifted") else (),
    )


def _changes(item: Mapping[str, Any]) -> list[FieldDiff]:
    """Return what would be put back; of what is left alone, what has become of it since before the run."""
    now, before = item.get("current"), item.get("before")
    return changed_fields(before, now) if item["verdict"] == "drifted" else changed_fields(now, before)


def report_lines(run: Run) -> list[RollbackLine]:
    """Return what became of each effect of a rollback that is over; "restored" only where a read-back showed it."""
    items = (run.outcome or {}).get("items", []) if run.is_repair else []
    if not items:
        return []
    made = {str(a.compensates_id): a for a in Action.objects.filter(run_id=run.id, compensates__isnull=False)}
    seen: dict[UUID, list[ActionAttempt]] = defaultdict(list)
    for attempt in ActionAttempt.objects.filter(action__in=made.values(), kind=AttemptKind.VERIFY):
        seen[attempt.action_id].append(attempt)
    return [_report_line(item, made.get(item["action"]), seen) for item in items]


def _report_line(
    item: Mapping[str, Any], action: Action | None, seen: Mapping[UUID, list[ActionAttempt]]
) -> RollbackLine:
    fate = ENDS.get(item["now"], "failed")
    if fate == "unread" and action is not None and proof_of(action, seen.get(action.id, ())) == "verified":
        fate = "verified"
    before, after = (action.before_image, action.after_image) if action else (None, None)
    return RollbackLine(
        title=item["title"],
        fate=fate,
        sentence=item.get("explanation") or item["sentence"],
        changes=changed_fields(before, after) if fate in ("verified", "unread") else [],
    )
