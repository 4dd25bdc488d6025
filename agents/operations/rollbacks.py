"""Rolling back: a preview from the outside systems as they are now, a confirmation of exactly that preview, a run."""

from typing import Any
from uuid import UUID

from django.db import transaction

from agents.engine.repair import RESTORE, next_compensation
from agents.errors import NothingToRollBack
from agents.models import Run
from agents.operations.found import controllable_run
from agents.states import RunKind, RunStatus
from agents.tasks import enqueue_on_commit
from approvals.sentences import undo_sentence
from audit.ledger.recording import record
from tools.errors import ToolUnavailable
from tools.models import Action
from tools.operations import observe
from tools.states import ActionStatus, AttemptKind, Effect
from workspaces.actors import actor_text
from workspaces.canonical import digest, sanitise
from workspaces.database import ClockTimestamp
from workspaces.errors import NotFound, StaleState
from workspaces.ids import uuid7
from workspaces.live import announce
from workspaces.models import User
from workspaces.salts import salted
from workspaces.transitions import transition


def preview_rollback(*, run_id: UUID, by: User, action_id: UUID | None = None, wished: bool = False) -> Run:
    """Look at everything that the run (or one action of it) has changed, and return the plan as a waiting rollback run.

    Nothing is changed. ``plan`` has one item per effect, newest first: ``verdict`` is ``restore``, ``drifted``,
    ``impossible`` or ``done``, with a sentence and the images. Confirm it by ``plan_digest``. One that was ``wished``
    for (``operations.wishes``) is made once: raise ``StaleState`` where it has been made meanwhile.
    """
    run = controllable_run(run_id, by, "roll back")
    if run.kind == RunKind.ROLLBACK:
        raise StaleState("A rollback is not rolled back.", "Start a new task that makes the change you want.")
    effects = effects_of(run, action_id)
    if action_id is not None and not effects:
        raise NotFound("There is no such effect in this run.")
    plan = sanitise(_plan(effects, by))
    with transaction.atomic():
        pending = Run.objects.filter(pk=run.pk, rollback_due_at__isnull=False)
        if wished and not pending.update(rollback_due_at=None):
            raise StaleState("This preview has been made already.")
        rollback = _create(run, plan, by)
        if wished:
            announce(workspace_id=run.workspace_id, kind="run", id=run.id, run_id=run.id)
    return rollback


def effects_of(run: Run, action_id: UUID | None = None) -> list[Action]:
    """Return what the run has changed, or may have, newest first; or one action of it."""
    found = Action.objects.filter(run_id=run.id, workspace_id=run.workspace_id).exclude(effect=Effect.READ)
    found = found.filter(status__in=[ActionStatus.SUCCEEDED, ActionStatus.IN_DOUBT])
    if action_id is not None:
        found = found.filter(pk=action_id)
    return list(found.select_related("tool__connection").order_by("-finished_at", "-created_at"))


def _plan(effects: list[Action], by: User) -> list[dict[str, Any]]:
    """Judge effect by effect, newest first: an older one finds the world as undoing the newer ones will leave it.

    A system that could not be asked is not asked again for the others: each of them would cost its whole deadline.
    """
    left: dict[tuple[UUID, str], Any] = {}
    silent: dict[UUID | None, str] = {}
    items = []
    for action in effects:
        item = _item(action, by, left, silent)
        if item["verdict"] == RESTORE:
            left[action.tool_id, digest(item["current"])] = action.before_image
        items.append(item)
    return items


def _item(
    action: Action, by: User, left: dict[tuple[UUID, str], Any], silent: dict[UUID | None, str]
) -> dict[str, Any]:
    verdict, sentence, current = _verdict(action, by, left, silent)
    return {
        "action": str(action.id),
        "tool": action.tool.name,
        "title": action.tool.title,
        "effect": action.effect,
        "verdict": verdict,
        "sentence": sentence,
        "before": action.before_image,
        "after": action.after_image,
        "current": current,
        "undo": action.undo_plan,
    }


def _verdict(
    action: Action, by: User, left: dict[tuple[UUID, str], Any], silent: dict[UUID | None, str]
) -> tuple[str, str, dict[str, Any] | None]:
    if action.status == ActionStatus.IN_DOUBT:
        return "impossible", "Whether it happened is in doubt. Settle it first.", None
    if action.compensations.filter(status=ActionStatus.SUCCEEDED).exists():
        return "done", "It has been rolled back already.", None
    if action.undo_plan is None:
        return "impossible", undo_sentence(action, has_undo=False), None
    if action.tool.connection_id in silent:
        return "impossible", silent[action.tool.connection_id], None
    try:
        seen = observe(action_id=action.id, kind=AttemptKind.PREVIEW, by=by)
    except ToolUnavailable as error:
        return "impossible", f"{error.message} {error.hint}", None
    if seen.problem:
        sentence = f"The system could not be asked: {seen.problem}"
        if not seen.refused:
            silent[action.tool.connection_id] = sentence
        return "impossible", sentence, None
    if left.get((action.tool_id, digest(seen.image)), seen.image) != action.after_image:
        return "drifted", "It has been changed since. Undoing would overwrite that, so it is left alone.", seen.image
    return RESTORE, "It will be put back as it was before.", seen.image


def _create(run: Run, plan: list[dict[str, Any]], by: User) -> Run:
    rollback_id = uuid7()
    rollback = Run.objects.create(
        id=rollback_id,
        workspace_id=run.workspace_id,
        kind=RunKind.ROLLBACK,
        environment=run.environment,
        agent=run.agent,
        version=run.version,
        rolls_back=run,
        status=RunStatus.WAITING,
        explanation="It waits for somebody to confirm it.",
        title=f"Roll back: {run.title}"[:200],
        input={"text": f"Roll back run {run.id}", "source": "rollback"},
        plan=plan,
        plan_digest=digest(plan),
        started_by=by,
        causes=sorted({*run.causes, *(UUID(person) for person in by.cause_ids())}),
        scopes=[run.workspace_id, rollback_id],
        step_limit=len(plan) + 1,
    )
    record(
        workspace_id=run.workspace_id,
        actor=actor_text(by),
        verb="run.rollback_previewed",
        subject=("run", rollback.id),
        body={"rolls_back": str(run.id), "plan": salted(run.workspace_id, rollback.id, rollback.plan_digest)},
    )
    return rollback


def confirm_rollback(*, rollback_id: UUID, plan_digest: str, by: User) -> Run:
    """Confirm a previewed plan by its digest; the compensations then run, each through the gate, newest first.

    Raise ``StaleState`` where another plan was seen, it was confirmed already, or another rollback is under way, and
    :class:`NothingToRollBack` where the plan restores nothing.
    """
    rollback = controllable_run(rollback_id, by, "roll back")
    if rollback.kind != RunKind.ROLLBACK:
        raise NotFound("There is no such rollback.")
    if not any(item["verdict"] == RESTORE for item in rollback.plan or []):
        raise NothingToRollBack("Nothing in this plan can be restored.")
    with transaction.atomic():
        locked = Run.objects.select_for_update(no_key=True).get(pk=rollback.pk)
        if locked.plan_digest != plan_digest:
            raise StaleState("This is not the plan that you looked at.", "Look at the preview again.")
        if locked.status != RunStatus.WAITING or locked.turn or locked.cancel_requested_at is not None:
            raise StaleState("This rollback was confirmed or cancelled already.")
        causes = sorted({*locked.causes, *(UUID(person) for person in by.cause_ids())})
        confirmed: dict[str, Any] = {"explanation": "", "started_at": ClockTimestamp(), "causes": causes}
        seen = salted(locked.workspace_id, locked.id, plan_digest)
        transition(locked, RunStatus.RUNNING, by=by, body={"plan": seen}, **confirmed)
        if not next_compensation(locked):
            raise StaleState(
                "Another rollback has undone this already, or is doing so.", "Look at a new preview after its end."
            )
        enqueue_on_commit(locked.id)
    locked.refresh_from_db()
    return locked
