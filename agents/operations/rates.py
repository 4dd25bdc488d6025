"""Stating values, prices and wages in US dollars, the currency in which models are priced."""

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from agents.models import Agent, Rate, RateKind
from approvals.models import ReviewQueue
from audit.ledger.recording import record
from tools.models import Tool
from workspaces.actors import Actor, actor_text
from workspaces.errors import InvalidInput
from workspaces.models import Workspace
from workspaces.operations.authority import require_owner

CURRENCY = "USD"
MAX_AMOUNT = Decimal(10**9)
Scope = Agent | Tool | ReviewQueue | Workspace
SCOPES: dict[str, tuple[type[Scope], ...]] = {
    RateKind.TASK_VALUE: (Agent,),
    RateKind.CALL_PRICE: (Tool,),
    RateKind.REVIEW_HOUR: (ReviewQueue, Workspace),
}


def state_rate(
    *, workspace: Workspace, kind: str, of: Scope | None, amount: Decimal, by: Actor, currency: str = CURRENCY
) -> Rate:
    """State what a task is worth, what a call costs, or what an hour of review costs; the last one said holds.

    An hour of review is that of a queue, or of the workspace where ``of`` is None or the workspace itself. Raise
    ``InvalidInput`` for another currency than US dollars: costs in it could not be set against it.
    """
    require_owner(by, workspace, "state values, prices and wages")
    _check_amount(amount, currency)
    target = _target(workspace, kind, of)
    values = {"amount": amount, "workspace": workspace, "name": _named(target)}
    with transaction.atomic():
        before = Rate.objects.select_for_update().filter(kind=kind, scope_id=target.pk).first()
        if before is not None and before.amount == amount:
            return before
        rate, _ = Rate.objects.update_or_create(kind=kind, scope_id=target.pk, defaults=values)
        record(
            workspace_id=workspace.id,
            actor=actor_text(by),
            verb="rate.stated",
            subject=("rate", rate.id),
            body={"kind": str(kind), "scope": str(target.pk), "amount": str(amount), "currency": CURRENCY},
        )
    return rate


def _check_amount(amount: Decimal, currency: str) -> None:
    if currency.upper() != CURRENCY:
        raise InvalidInput(
            f"An amount in {currency.upper()[:10]} cannot be set against costs: models are priced in US dollars.",
            "State it in US dollars (USD).",
            {"currency": ["Only USD."]},
        )
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT or amount != round(amount, 6):
        raise InvalidInput("This is no amount.", "Give a number from zero on.", {"amount": ["A number from zero on."]})


def _target(workspace: Workspace, kind: str, of: Scope | None) -> Scope:
    target = workspace if of is None and kind == RateKind.REVIEW_HOUR else of
    if not isinstance(target, SCOPES[kind]) or _place(target) != workspace.id:
        raise InvalidInput("Say whose it is.", f"{RateKind(kind).label}: name it.", {"of": ["Name one of this kind."]})
    return target


def _place(target: Scope) -> UUID:
    return target.id if isinstance(target, Workspace) else target.workspace_id


def _named(target: Scope) -> str:
    return target.name if isinstance(target, Workspace) else target.title
