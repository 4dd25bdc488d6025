"""News from lower floors: the fast path of what the sweep would find anyway."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from agents.engine.control import drop_if_over, wake_for_action
from agents.engine.limits import apply_budget_decision
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
def on_request_moved(*, run_id: UUID, **_: Any) -> None:
    if apply_budget_decision(run_id):
        enqueue_on_commit(run_id)


@receiver(budget_moved, dispatch_uid="agents.release_extended")
def on_budget_moved(**_: Any) -> None:
    release_extended()
