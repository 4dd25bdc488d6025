"""From a tool's row to something that a connector can call: opened secret, checked address, options, deadline."""

from dataclasses import dataclass, replace

from django.conf import settings

from tools.connectors.base import Caller, Operation, Target
from tools.connectors.registry import connector, is_builtin
from tools.environments import connection_of, why_not
from tools.errors import ToolUnavailable
from tools.models import Action, Connection, Tool
from workspaces.crypto import Unreadable
from workspaces.errors import InvalidInput
from workspaces.outbound import check_address


@dataclass(frozen=True, slots=True)
class Call:
    """One operation and where it goes."""

    operation: Operation
    target: Target
    connection: Connection


def call_for(action: Action) -> Call:
    """Open the connection that the action's tool has in the action's environment; the call says on whose behalf it is.

    Raise :class:`ToolUnavailable` with the sentence that says what to mend.
    """
    tool = action.tool
    if not tool.is_enabled:
        raise ToolUnavailable(f"The tool {tool.name} is disabled.")
    made = operation_of(tool)
    connection = connection_of(action)
    if connection is None:
        raise ToolUnavailable(why_not(tool, action.environment), "An owner can set up the connection that is missing.")
    caller = Caller(action.workspace_id, action.run_id, action.agent_id, action.id)
    target = replace(target_of(connection, tool.options), caller=caller)
    if tool.deadline_seconds is not None:
        target = replace(target, deadline_seconds=float(tool.deadline_seconds))
    return Call(made, target, connection)


def operation_of(tool: Tool) -> Operation:
    """Return what the tool's connector does, without opening anything: enough for undo and prediction.

    Raise :class:`ToolUnavailable` where no connector of this process knows it.
    """
    connection = _connection_of(tool)
    try:
        operation = connector(connection.kind).operations.get(tool.operation)
    except InvalidInput as error:
        raise ToolUnavailable(error.message, "An owner can set the connection up anew.") from error
    if operation is None:
        raise ToolUnavailable(f"Connections of kind {connection.kind} have no operation {tool.operation}.")
    return operation


def is_builtin_tool(tool: Tool) -> bool:
    """Say whether the tool works on Countersign's own rows: what is not recorded there has not been done."""
    return tool.connection is not None and is_builtin(tool.connection.kind)


def _connection_of(tool: Tool) -> Connection:
    if tool.connection is None:
        raise ToolUnavailable(f"The tool {tool.name} has no connection.")
    return tool.connection


def target_of(connection: Connection, options: dict[str, object]) -> Target:
    """Open ``connection``'s secret into a target."""
    if not connection.is_enabled:
        raise ToolUnavailable(f"The connection {connection.name} is disabled.")
    try:
        secret = connection.open_secret()
    except Unreadable as error:
        raise ToolUnavailable(f"The credential of {connection.name} cannot be opened: {error}") from error
    return Target(
        config=connection.config,
        secret=secret,
        options=options,
        deadline_seconds=float(settings.TOOL_DEADLINE_SECONDS),
    )


def pinned(target: Target) -> Target:
    """Return ``target`` with its address resolved, checked by the outbound guard, and fixed.

    This asks the name service, so it is done outside of any transaction, last before the call. Raise
    :class:`ToolUnavailable` for addresses that may not be reached.
    """
    host, port = target.config.get("host"), target.config.get("port")
    if not isinstance(host, str) or not isinstance(port, int):
        return target
    try:
        address = check_address(host, port, database=target.config.get("database"))
    except InvalidInput as error:
        raise ToolUnavailable(error.message, error.hint) from error
    return replace(target, config={**target.config, "hostaddr": address})
