"""Setting budgets up, raising and lowering them. A budget begins to count when it is made."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit.ledger.recording import record
from tools.models import Budget, BudgetScope, Period, Unit
from tools.models.budget import amount_text, customer_scope, period_start, unit_text
from tools.signals import budget_moved
from workspaces.actors import Actor, actor_text
from workspaces.canonical import sanitise
from workspaces.errors import InvalidInput
from workspaces.models import Workspace
from workspaces.operations.authority import require_owner

MAX_LIMIT = Decimal(10**11)
CURRENCY = re.compile(r"[a-z]{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetOf:
    """Whose budget it is; ``name`` is what people read."""

    kind: BudgetScope
    id: UUID
    name: str
    subject_kind: str = ""
    subject_ref: str = ""

    @classmethod
    def workspace(cls, workspace: Workspace) -> "BudgetOf":
        """Return the scope of everything in a workspace."""
        return cls(kind=BudgetScope.WORKSPACE, id=workspace.id, name=f"the workspace {workspace.name}")

    @classmethod
    def customer(cls, workspace: Workspace, kind: str, ref: str) -> "BudgetOf":
        """Return the scope of what is done for one subject, such as the customer 42; raise where it names nobody."""
        kind, ref = str(sanitise(kind)).strip()[:40], str(sanitise(ref)).strip()[:200]
        if not kind or not ref:
            raise InvalidInput(
                "Say whose budget it is.", "Name the subject's kind and its id, as the agent finds it.",
                {"subject_ref": ["This may not be empty."]},
            )  # fmt: skip
        scope = customer_scope(workspace.id, kind, ref)
        return cls(kind=BudgetScope.CUSTOMER, id=scope, name=f"{kind} {ref}", subject_kind=kind, subject_ref=ref)


def create_budget(*, workspace: Workspace, of: BudgetOf, unit: str, limit: Decimal, by: Actor, period: str) -> Budget:
    """Cap what may be used in one scope within one period, from now on.

    Raise ``InvalidInput`` for a unit that nothing is priced in, for a limit that is none, and where the scope has such
    a budget already.
    """
    require_owner(by, workspace, "set up budgets")
    known = unit_named(unit)
    if period not in Period.values:
        raise InvalidInput(f"There is no period {period!r}.", f"Choose one of: {', '.join(Period.values)}.")
    check_limit(known, limit)
    budget = Budget(
        workspace=workspace, scope_kind=of.kind, scope_id=of.id, name=of.name, subject_kind=of.subject_kind,
        subject_ref=of.subject_ref, unit=known, period=period, limit=limit,
    )  # fmt: skip
    try:
        with transaction.atomic():
            budget.counted_from = period_start(period, today())
            budget.save(force_insert=True)
            _note(budget, "budget.created", by)
    except IntegrityError as error:
        said = f"There is such a budget of {of.name} already."
        raise InvalidInput(said, "Change the limit of that one, or choose another unit or period.") from error
    return budget


def change_budget(*, budget: Budget, by: Actor, limit: Decimal | None = None, is_enabled: bool | None = None) -> Budget:
    """Raise or lower a budget, or let it hold no more; what is None stays. What waits for it is tried again."""
    require_owner(by, budget.workspace, "change budgets")
    if limit is not None:
        check_limit(Unit(budget.unit), limit)
    return _change(budget.pk, limit, is_enabled, "budget.changed", by)


def extend_budget(*, budget_id: UUID, limit: Decimal, by: Actor) -> Budget:
    """Raise a budget to ``limit``, which people have decided on; one that is as high already stays."""
    return _change(budget_id, limit, None, "budget.extended", by, only_up=True)


def _change(
    pk: UUID, limit: Decimal | None, is_enabled: bool | None, verb: str, by: Actor, only_up: bool = False
) -> Budget:
    with transaction.atomic():
        budget = Budget.objects.select_for_update(no_key=True).get(pk=pk)
        before = (budget.limit, budget.is_enabled)
        budget.begin_anew(today())
        if limit is not None and not (only_up and limit <= budget.limit):
            budget.limit = limit
        if is_enabled is not None:
            budget.is_enabled = is_enabled
        if (budget.limit, budget.is_enabled) == before:
            return budget
        _check_room(budget)
        budget.save(update_fields=["limit", "is_enabled", "counted_from", "spent", "reserved"])
        _note(budget, verb, by)
        transaction.on_commit(lambda: budget_moved.send(Budget, budget_id=budget.pk))
    return budget


def _check_room(budget: Budget) -> None:
    used = budget.spent + budget.reserved
    if budget.limit < used:
        said = f"{amount_text(used)} {unit_text(budget.unit)} of it are used or held already."
        raise InvalidInput(
            said, "Choose a limit that is not below that.", {"limit": [f"At least {amount_text(used)}."]}
        )


def unit_named(unit: str) -> Unit:
    """Return the unit; raise ``InvalidInput`` for a currency that no model is priced in, and for what is none."""
    asked = unit.strip().lower()
    if asked in Unit.values:
        return Unit(asked)
    fields = {"unit": [f"Choose one of: {', '.join(Unit.values)}."]}
    if CURRENCY.fullmatch(asked):
        raise InvalidInput(
            f"A budget in {asked.upper()} cannot be kept: no model's price is known in that currency.",
            "State the budget in US dollars (usd), or in tokens or steps.",
            fields,
        )
    raise InvalidInput("There is no such unit.", "A budget is in US dollars (usd), tokens or steps.", fields)


def check_limit(unit: Unit, limit: Decimal) -> None:
    """Raise ``InvalidInput`` for a limit that cannot be kept: none, below zero, or parts of what has no parts."""
    if not limit.is_finite() or not 0 <= limit <= MAX_LIMIT or limit != round(limit, 6):
        raise InvalidInput("This is no limit.", "Give a number from zero on.", {"limit": ["A number from zero on."]})
    if unit != Unit.USD and limit != int(limit):
        raise InvalidInput(f"{unit.label} are counted in whole numbers.", "Give one.", {"limit": ["A whole number."]})


def today() -> date:
    """Return the day in UTC by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date")
        found: date = cursor.fetchone()[0]
    return found


def _note(budget: Budget, verb: str, by: Actor) -> None:
    """Record it without the customer's own id: that one is personal."""
    record(
        workspace_id=budget.workspace_id,
        actor=actor_text(by),
        verb=verb,
        subject=("budget", budget.id),
        body={
            "scope": budget.scope_kind,
            "unit": budget.unit,
            "period": budget.period,
            "limit": str(budget.limit),
            "enabled": budget.is_enabled,
        },
    )
