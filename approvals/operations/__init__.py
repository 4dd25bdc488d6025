"""Every write of the approvals floor."""

from approvals.operations.clearing import PolicyGate
from approvals.operations.configuring import activate_policy, draft_policy, save_queue
from approvals.operations.deciding import Answer, decide
from approvals.operations.ending import (
    cancel_action,
    cancel_request,
    cancel_requests_of_run,
    expire_due,
    release_extended,
)
from approvals.operations.opening import ask_for_budget, ask_form, ask_to_settle

__all__ = [
    "Answer",
    "PolicyGate",
    "activate_policy",
    "ask_for_budget",
    "ask_form",
    "ask_to_settle",
    "cancel_action",
    "cancel_request",
    "cancel_requests_of_run",
    "decide",
    "draft_policy",
    "expire_due",
    "release_extended",
    "save_queue",
]
