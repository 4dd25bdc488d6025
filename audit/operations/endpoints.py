"""Endpoints: set up, changed, rotated, disabled and taken away, by owners of the workspace."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Value

from audit.ledger.errors import LedgerError
from audit.ledger.horizon import horizon
from audit.models import Delivery, WebhookEndpoint
from audit.operations.addresses import checked_url, checked_verbs
from workspaces.actors import Actor
from workspaces.canonical import digest
from workspaces.database import ClockTimestamp
from workspaces.errors import InvalidInput, StaleState, Unavailable
from workspaces.models import Workspace
from workspaces.operations.authority import lock, note, require_owner

WHAT = "see and change its webhooks"
MAX_ENDPOINTS = 20
OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 7 * 24


class Issued(NamedTuple):
    """An endpoint's row, and the text of its new secret, which is known only now."""

    endpoint: WebhookEndpoint
    secret: str

    def __repr__(self) -> str:
        """Name the endpoint alone."""
        return f"<new secret of {self.endpoint.pk}>"


def create_endpoint(
    *, workspace: Workspace, url: str, by: Actor, description: str = "", verbs: list[str] | None = None
) -> Issued:
    """Send the workspace's events from now on to ``url``; ``verbs`` narrows them, empty means all.

    The secret's text is returned here and never again. Raise ``InvalidInput`` for an address that cannot be used.
    """
    require_owner(by, workspace, WHAT)
    values = {
        "url": checked_url(url),
        "description": _described(description),
        "verbs": checked_verbs(verbs or []),
    }
    with transaction.atomic():
        lock(workspace)
        if WebhookEndpoint.objects.filter(workspace=workspace).count() >= MAX_ENDPOINTS:
            raise StaleState(f"A workspace has at most {MAX_ENDPOINTS} webhooks.", "Delete one that is not needed.")
        endpoint = WebhookEndpoint(workspace=workspace, **values)
        text = endpoint.renew_secret()
        _begin_now(endpoint)
        endpoint.save(force_insert=True)
        tell(endpoint, "created", by, **_content(endpoint))
    return Issued(endpoint, text)


def update_endpoint(
    *,
    endpoint: WebhookEndpoint,
    by: Actor,
    url: str | None = None,
    description: str | None = None,
    verbs: list[str] | None = None,
    is_enabled: bool | None = None,
) -> WebhookEndpoint:
    """Change what is given; what is None stays, and the same again writes nothing.

    Enabled again, an endpoint is told of what happens from then on, and of what was still waiting for it.
    """
    require_owner(by, endpoint.workspace, WHAT)
    asked: dict[str, Any] = {
        "url": None if url is None else checked_url(url),
        "description": None if description is None else _described(description),
        "verbs": None if verbs is None else checked_verbs(verbs),
    }
    with transaction.atomic():
        locked = locked_endpoint(endpoint)
        changed = {name: value for name, value in asked.items() if value not in (None, getattr(locked, name))}
        for name, value in changed.items():
            setattr(locked, name, value)
        if changed:
            tell(locked, "changed", by, **_content(locked))
        is_switched = is_enabled not in (None, locked.is_enabled)
        if is_switched:
            _switch(locked, bool(is_enabled), by)
        if changed or is_switched:
            locked.save()
    return locked


def _switch(endpoint: WebhookEndpoint, is_enabled: bool, by: Actor) -> None:
    endpoint.is_enabled = is_enabled
    endpoint.disabled_reason = "" if is_enabled else "An owner of the workspace disabled it."
    if is_enabled:
        endpoint.failing_since = None
        _begin_now(endpoint)
        tell(endpoint, "enabled", by)
    else:
        tell(endpoint, "disabled", by, reason=endpoint.disabled_reason)


def disable(*, endpoint: WebhookEndpoint, reason: str, by: Actor) -> None:
    """Send nothing more to an endpoint, and keep the reason; nothing is done where it is disabled already."""
    with transaction.atomic():
        rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_enabled=True)
        if rows.update(is_enabled=False, disabled_reason=reason[:300], updated_at=ClockTimestamp()):
            tell(endpoint, "disabled", by, reason=reason[:300])


def rotate_secret(*, endpoint: WebhookEndpoint, by: Actor, overlap_hours: int = OVERLAP_HOURS) -> Issued:
    """Make a new secret; the present one signs too for ``overlap_hours``, zero ends it at once. At most two sign."""
    require_owner(by, endpoint.workspace, WHAT)
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        sentence = f"Give 0 to {MAX_OVERLAP_HOURS} hours."
        raise InvalidInput("The overlap is too long.", sentence, {"overlap_hours": [sentence]})
    with transaction.atomic():
        locked = locked_endpoint(endpoint)
        earlier = bytes(locked.secret)
        text = locked.renew_secret()
        locked.save(update_fields=["secret", "updated_at"])
        until = ClockTimestamp() + Value(timedelta(hours=overlap_hours)) if overlap_hours else None
        WebhookEndpoint.objects.filter(pk=locked.pk).update(
            previous_secret=earlier if overlap_hours else None, previous_until=until
        )
        tell(locked, "rotated", by, overlap_hours=overlap_hours)
        locked.refresh_from_db()
    return Issued(locked, text)


def delete_endpoint(*, endpoint: WebhookEndpoint, by: Actor) -> None:
    """Take an endpoint away with its secrets and deliveries; the ledger keeps that it was there."""
    require_owner(by, endpoint.workspace, WHAT)
    with transaction.atomic():
        locked = locked_endpoint(endpoint)
        count, _ = Delivery.objects.filter(endpoint=locked).delete()
        tell(locked, "deleted", by, deliveries=count)
        locked.delete()


def locked_endpoint(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return the row as it is now, locked; raise ``StaleState`` where somebody has deleted it."""
    rows = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk)
    found = rows.first()
    if found is None:
        raise StaleState("This webhook was deleted meanwhile.")
    return found


def tell(endpoint: WebhookEndpoint, what: str, by: Actor, **body: Any) -> None:
    """Record what was done to an endpoint, within the transaction that did it."""
    note(endpoint.workspace_id, by, f"webhook_endpoint.{what}", ("webhook_endpoint", endpoint.pk), **body)


def _begin_now(endpoint: WebhookEndpoint) -> None:
    """Place the cursor below every transaction that may still add an event, so that none is missed from here on."""
    try:
        now = horizon(endpoint.workspace_id)
    except LedgerError as error:
        raise Unavailable("The ledger cannot be followed now.", str(error)) from error
    endpoint.cursor_epoch, endpoint.cursor_txid, endpoint.cursor_sequence = now.epoch, now.txid, 0


def _described(text: str) -> str:
    found = text.strip()
    if len(found) > 200 or not found.isprintable():
        sentence = "Use at most 200 characters on one line."
        raise InvalidInput("The description cannot be used.", sentence, {"description": [sentence]})
    return found


def _content(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"url": digest(endpoint.url), "verbs": endpoint.verbs}
