"""From a model route's row to endpoints that can be called: names, addresses and opened keys; and how these do."""

from typing import Any

from agents.models import EndpointState, ModelRoute
from agents.providers.base import Endpoint, Provider
from tools.errors import ToolUnavailable
from tools.models import Connection
from workspaces.crypto import Unreadable

DEFAULT_DEADLINE_SECONDS = 120.0


def endpoints_of(route: ModelRoute) -> list[Endpoint]:
    """Return the route's endpoints in order; raise :class:`ToolUnavailable` where a key cannot be opened."""
    names = [entry["connection"] for entry in route.endpoints if entry.get("connection")]
    connections = {c.name: c for c in Connection.objects.filter(workspace_id=route.workspace_id, name__in=names)}
    return [_endpoint(entry, connections) for entry in route.endpoints]


def standings(route: ModelRoute, known: list[EndpointState]) -> list[EndpointState | None]:
    """Return for each endpoint of the route what is known of it; ``known`` is all of its workspace."""
    return [next((state for state in known if _is_about(state, entry)), None) for entry in route.endpoints]


def _is_about(state: EndpointState, entry: dict[str, Any]) -> bool:
    same = (state.provider, state.model, state.connection)
    named = (entry.get("provider"), entry.get("model"), entry.get("connection") or "")
    return same == named and entry.get("base_url") in {None, "", state.base_url}


def _endpoint(entry: dict[str, object], connections: dict[str, Connection]) -> Endpoint:
    name = str(entry.get("connection") or "")
    connection = connections.get(name)
    if name and (connection is None or not connection.is_enabled):
        raise ToolUnavailable(f"The model route needs the connection {name}, which is absent or disabled.")
    try:
        key = str(connection.open_secret().get("api_key", "")) if connection else ""
    except Unreadable as error:
        raise ToolUnavailable(f"The key of the connection {name} cannot be opened: {error}") from error
    base_url = entry.get("base_url") or (connection.config.get("base_url") if connection else "")
    return Endpoint(
        provider=str(entry.get("provider", Provider.DEMO)),
        model=str(entry.get("model", "")),
        base_url=str(base_url or ""),
        api_key=key,
        deadline_seconds=float(str(entry.get("deadline_seconds") or DEFAULT_DEADLINE_SECONDS)),
        connection=name,
        requests_per_minute=_limit(entry, "requests_per_minute"),
        tokens_per_minute=_limit(entry, "tokens_per_minute"),
        at_once=_limit(entry, "at_once"),
    )


def _limit(entry: dict[str, object], name: str) -> int | None:
    stated = entry.get(name)
    return None if stated is None else int(float(str(stated)))
