"""The one mutator of every status: compare-and-set, and its ledger event, in one statement."""

from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q

from audit.ledger.recording import Entry, record_move
from workspaces.actors import Actor, actor_text
from workspaces.database import returning
from workspaces.errors import StaleState
from workspaces.live import announce


def transition(
    row: Any, to: str, *, by: Actor, where: Q | None = None, body: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Move ``row`` to the status ``to`` together with ``changes``, or raise :class:`StaleState`.

    The UPDATE names the status that the row had when it was read, and ``where`` (a fencing attempt, a binding, the
    absence of a pause). Anything but one row is a loss: nothing has changed and nothing is recorded.

    ``where`` compares the row's own columns, and others by ``Exists``. A lookup across a relation would move the whole
    comparison into a subquery, which PostgreSQL does not repeat after waiting for a rival: both would win.
    """
    model: type[models.Model] = type(row)
    label = model._meta.model_name
    old = row.status
    if to not in model.TRANSITIONS.get(old, frozenset()):  # type: ignore[attr-defined]
        raise StaleState(f"This {label} is {old}; it cannot become {to}.")
    rows = model._default_manager.filter(Q(pk=row.pk, status=old) & (where or Q()))
    computed = [name for name, value in changes.items() if hasattr(value, "resolve_expression")]
    move, parameters = returning(rows, computed or ["id"], status=to, **changes)
    entry = _entry(row, str(label), actor=actor_text(by), to=to, body={"from": old, **(body or {})})
    with transaction.atomic(savepoint=False):  # a lost comparison has written nothing that a savepoint would undo
        moved = record_move(entry, move=move, parameters=parameters)
        if moved is not None:
            _announce(row, str(label))
    if moved is None:
        raise StaleState(f"This {label} is no longer {old}, or may not become {to} now.")
    row.status = to
    found = dict(zip(computed, moved, strict=False))
    for name, value in changes.items():
        setattr(row, name, found.get(name, value))


def _entry(row: Any, label: str, *, actor: str, to: str, body: dict[str, Any]) -> Entry:
    own, subject = UUID(str(row.workspace_id)), (label, row.pk)
    return Entry(workspace_id=own, actor=actor, verb=f"{label}.{to}", subject=subject, body=body)


def _announce(row: Any, label: str) -> None:
    run_id = row.pk if label == "run" else getattr(row, "run_id", None)
    announce(workspace_id=row.workspace_id, kind=label, id=row.pk, run_id=run_id)
