"""The one mutator of every status: compare-and-set, and its ledger event in the same transaction."""

from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q

from audit.ledger.recording import record
from workspaces.actors import Actor, actor_text
from workspaces.errors import StaleState
from workspaces.live import announce


def transition(
    row: Any, to: str, *, by: Actor, where: Q | None = None, body: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Move ``row`` to the status ``to`` together with ``changes``, or raise :class:`StaleState`.

    The UPDATE names the status that the row had when it was read, and ``where`` (a fencing attempt, a binding, the
    absence of a pause). Anything but one row is a loss: nothing has changed and nothing is recorded.
    """
    model: type[models.Model] = type(row)
    label = model._meta.model_name
    old = row.status
    if to not in model.TRANSITIONS.get(old, frozenset()):  # type: ignore[attr-defined]
        raise StaleState(f"This {label} is {old}; it cannot become {to}.")
    condition = Q(pk=row.pk, status=old)
    if where is not None:
        condition &= where
    with transaction.atomic():
        if model._default_manager.filter(condition).update(status=to, **changes) != 1:
            raise StaleState(f"This {label} is no longer {old}, or may not become {to} now.")
        record(
            workspace_id=UUID(str(row.workspace_id)),
            actor=actor_text(by),
            verb=f"{label}.{to}",
            subject=(str(label), row.pk),
            body={"from": old, **(body or {})},
        )
        run_id = row.pk if label == "run" else getattr(row, "run_id", None)
        announce(workspace_id=row.workspace_id, kind=str(label), id=row.pk, run_id=run_id)
    row.status = to
    computed = [name for name, value in changes.items() if hasattr(value, "resolve_expression")]
    for name, value in changes.items():
        setattr(row, name, value)
    if computed:
        row.refresh_from_db(fields=computed)
