"""Which connection a tool leads through in which environment, so that a sandbox run never reaches a live system.

A connection belongs to one environment for good. A live connection may name its sandbox counterpart: the same tool
then leads through that one in a sandbox run. Where there is no counterpart the tool leads nowhere in that environment.
Built-in connections lead to Countersign's own rows, which keep the environments apart themselves.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from tools.connectors.registry import is_builtin
from tools.models import Action, Connection, Environment, Tool


def connection_of(action: Action) -> Connection | None:
    """Return the connection through which ``action`` leads outside; None where none serves its environment."""
    return connection_in(action.tool, action.environment)


def connection_in(tool: Tool, environment: str) -> Connection | None:
    """Return the connection of ``tool`` that serves ``environment``: its own, else that one's sandbox counterpart."""
    own = tool.connection
    if own is None or serves(own, environment):
        return own
    twin = own.sandbox
    return twin if twin is not None and serves(twin, environment) else None


def serves(connection: Connection, environment: str) -> bool:
    """Say whether runs of ``environment`` may go through ``connection``."""
    return connection.environment == environment or is_builtin(connection.kind)


def why_not(tool: Tool, environment: str) -> str:
    """Return why ``tool`` leads nowhere in ``environment``, for people and agents."""
    name = tool.connection.name if tool.connection else tool.name
    if environment == Environment.SANDBOX:
        return (
            f"{name} is a live connection without a sandbox counterpart, and a sandbox run never reaches a live system."
        )
    return f"{name} is a sandbox connection, so a live run does not go through it."


def still_leads(action: Action, connection: Connection) -> Q:
    """Return the condition, for a door's own statement, that the action's tool leads through ``connection`` now, and
    that this one is of the action's environment."""
    way = "connection" if action.tool.connection_id == connection.id else "connection__sandbox"
    of: dict[str, Any] = {} if is_builtin(connection.kind) else {f"{way}__environment": OuterRef("environment")}
    return Q(Exists(Tool.objects.filter(pk=OuterRef("tool_id"), **{f"{way}_id": connection.id}, **of)))
