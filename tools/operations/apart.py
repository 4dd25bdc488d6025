"""Keeping the environments apart when a connection is saved: what can be known of two addresses and a key."""

from typing import Any, Final

from tools.connectors.registry import connector
from tools.models import Connection, Environment
from workspaces.errors import InvalidInput
from workspaces.models import Workspace

PLACE: Final = ("host", "port", "database", "base_url", "url")
"""The parts of a configuration that say where a system is; who signs in there is no part of it."""
KEY: Final = "api_key"
"""Where a system is reached with a key of its own, that says which account is meant, and the address does not."""
LIVE_KEYS: Final = ("sk_live_", "rk_live_")


def check_apart(connection: Connection, secret: dict[str, Any] | None) -> None:
    """Raise ``InvalidInput`` where saving ``connection`` would let a sandbox run reach a live system, as far as seen.

    Call in the transaction that saves it. ``secret`` is the new one, None where the stored one stays.
    """
    Workspace.objects.select_for_update(no_key=True).get(pk=connection.workspace_id)
    _check_counterpart(connection)
    key = str((secret or {}).get(KEY, ""))
    if connection.environment == Environment.SANDBOX and key.startswith(LIVE_KEYS):
        raise InvalidInput(
            "This is a key for live payments; a sandbox connection takes a test key.", "Send a test key."
        )
    place = _place(connection)
    others = Connection.objects.filter(workspace_id=connection.workspace_id, kind=connection.kind)
    others = others.exclude(pk=connection.pk).exclude(environment=connection.environment)
    if place and any(_place(other) == place for other in others):
        raise InvalidInput(
            "A connection of the other environment leads to the very same place.",
            "Name the address of another system: sandbox runs must never reach a live one.",
            {"config": ["Another environment uses this address."]},
        )


def _check_counterpart(connection: Connection) -> None:
    twin = connection.sandbox
    if twin is None:
        return
    if connection.environment != Environment.LIVE:
        raise InvalidInput("Only a live connection has a sandbox counterpart.", "Leave it out.", _why("It is none."))
    here = twin.workspace_id == connection.workspace_id and twin.kind == connection.kind
    if not here or twin.environment != Environment.SANDBOX:
        sentence = f"The counterpart is a sandbox connection of the kind {connection.kind} in this workspace."
        raise InvalidInput(sentence, "Choose another one, or set one up.", _why(sentence))


def _why(sentence: str) -> dict[str, list[str]]:
    return {"sandbox": [sentence]}


def _place(connection: Connection) -> list[Any]:
    """Return where the system is, as it is written; nothing where its configuration does not say."""
    if KEY in connector(connection.kind).secret_schema.get("properties", {}):
        return []
    said = [connection.config.get(name) for name in PLACE]
    return [str(part).strip("/").casefold() for part in said] if any(said) else []
