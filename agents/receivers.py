"""News from lower floors: the fast path of what the sweep would find anyway."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from agents.engine.control import drop_if_over, wake_for_action
from agents.engine.flow.child import wake_parent
from agents.engine.flow.person import wake_for_request
from agents.engine.limits import apply_budget_decision
from agents.signals import run_ended, work_appeared
from agents.tasks import enqueue_on_commit
from approvals.operations import release_extended
from approvals.signals import request_moved
from tools.signals import action_moved, budget_moved


@receiver(action_moved, dispatch_uid="agents.wake_for_action")
def on_action_moved(*, action_id: UUID, **_: Any) -> None:
    run_id = wake_for_action(action_id)
    if run_id is None:
        drop_if_over(action_id)
    else:
        enqueue_on_commit(run_id)


@receiver(request_moved, dispatch_uid="agents.apply_budget_decision")
def on_request_moved(*, request_id: UUID, run_id: UUID, **_: Any) -> None:
    moved = apply_budget_decision(run_id)
    if wake_for_request(request_id) is not None or moved:
        enqueue_on_commit(run_id)


@receiver(work_appeared, dispatch_uid="agents.tell_workers")
def on_work_appeared(*, run_id: UUID, **_: Any) -> None:
    enqueue_on_commit(run_id)


@receiver(run_ended, dispatch_uid="agents.wake_parent")
def on_run_ended(*, run_id: UUID, **_: Any) -> None:
    parent = wake_parent(run_id)
    if parent is not None:
        enqueue_on_commit(parent)


@receiver(budget_moved, dispatch_uid="agents.release_extended")
def on_budget_moved(**_: Any) -> None:
    release_extended()
