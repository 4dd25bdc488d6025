"""The binding: one digest over everything that was decided on (DESIGN invariant 2).

Arguments and before-image are digested as they stand in the row that will be executed, not taken from the digests that
stand beside them: what is not what was decided on does not get the same binding, however it came there.
"""

from tools.models import Action, Connection, Tool
from workspaces.canonical import digest, sanitise


def tool_digest(tool: Tool) -> str:
    """Return the digest of what a call of ``tool`` means: its operation, its options, its schema, its classes."""
    return digest(
        {
            "operation": tool.operation,
            "options": tool.options,
            "schema": tool.schema_digest,
            "classes": [tool.effect, tool.egress, tool.idempotency, tool.moves_money],
        }
    )


def destination_digest(tool: Tool, connection: Connection | None) -> str:
    """Return the digest of where a call of ``tool`` through ``connection`` leads: the address, and what it touches.

    The credential is no part of it: renewing it leads to the same place.
    """
    place = [str(connection.id), connection.kind, connection.environment, connection.config] if connection else None
    return digest(sanitise({"connection": place, "operation": tool.operation, "options": tool.options}))


def image_digest(image: dict[str, object] | None) -> str:
    """Return the digest of a before-image; a fixed one where the tool has none."""
    return digest(image)


def binding_of(action: Action, *, connection: Connection | None, policy_digest: str) -> str:
    """Return the binding of ``action`` under its tool, the connection and the policy as they stand now."""
    return digest(
        {
            "workspace": str(action.workspace_id),
            "tool": [str(action.tool_id), tool_digest(action.tool)],
            "schema": action.schema_digest,
            "arguments": [action.arguments_digest, digest(sanitise(action.arguments))],
            "connection": [str(connection.id), connection.version] if connection else None,
            "environment": [action.environment, connection.environment if connection else None],
            "agent_version": str(action.agent_version_id),
            "policy": policy_digest,
            "before": [action.before_digest, digest(sanitise(action.before_image))],
        }
    )
