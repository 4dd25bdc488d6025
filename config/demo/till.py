"""The desk's till as data: how it reaches the payment system, with which tools, and who is asked before money moves.

A refund waits for a person like everything that moves money, by the default policy. Above the limit the finance queue
has a say as well; nobody counts in both, so that two people have agreed.
"""

from typing import Any, Final

from approvals.models import Policy
from approvals.operations import activate_policy, draft_policy, save_queue
from config.demo.joining import ensure_connection
from tools.models import Tool
from tools.operations import save_tool
from workspaces.actors import Actor
from workspaces.models import Workspace

FINANCE_QUEUE: Final = "finance"
POLICY: Final = "refunds"
LIMITS: Final = {
    "eur": 20_000,
    "usd": 20_000,
    "gbp": 20_000,
    "sek": 200_000,
    "pln": 80_000,
    "jpy": 30_000,
    "krw": 300_000,
}
"""What one person alone may let go, in each currency's smallest unit; whatever is not listed takes two."""
RULES: Final[list[dict[str, Any]]] = [
    {
        "name": "large-refund",
        "when": "action.operation == 'refund.create' && !(has(action.arguments.amount) && ("
        + " || ".join(
            f"(action.arguments.currency == '{currency}' && action.arguments.amount <= {most})"
            for currency, most in LIMITS.items()
        )
        + "))",
        "outcome": "review",
        "reason": "It gives back more than one person may let go alone.",
        "queue": FINANCE_QUEUE,
        "quorum": 1,
        "time_limit_seconds": 72 * 3600,
    },
]
OPERATIONS: Final = {
    "customer.find": ("Find customer at the payment system", "Find customers by e-mail address or by their id there."),
    "charge.find": ("Find charges", "Find what one customer has paid, the newest first, and what of it is left."),
    "subscription.find": ("Find subscriptions", "Find the subscriptions of one customer."),
    "refund.create": ("Refund", "Give back one charge of a customer, or a part of it. It cannot be taken back."),
    "subscription.cancel_at_period_end": (
        "End or resume a subscription",
        "Let one subscription end with the period that is paid, or let it go on.",
    ),
}


def set_up_till(workspace: Workspace, address: dict[str, Any], secret: dict[str, Any], by: Actor) -> tuple[Tool, ...]:
    """Make the way to the payment system, its tools, the finance queue and the rule that sends large refunds there."""
    payments = ensure_connection(
        workspace=workspace, name="payments", kind="stripe", config=address, secret=secret, by=by
    )
    save_queue(workspace=workspace, name=FINANCE_QUEUE, title="Finance", by=by)
    if not Policy.objects.filter(workspace=workspace, name=POLICY).exists():
        rules = draft_policy(workspace=workspace, name=POLICY, title="Refunds", rules=RULES, by=by)
        activate_policy(version=rules, by=by)
    return tuple(
        save_tool(
            workspace=workspace,
            name=f"payments.{operation}",
            title=title,
            description=description,
            connection=payments,
            operation_name=operation,
            options={},
            by=by,
        )
        for operation, (title, description) in OPERATIONS.items()
    )
