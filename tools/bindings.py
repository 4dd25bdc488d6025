"""The binding: one digest over everything that was decided on (DESIGN invariant 2)."""

from tools.models import Action, Connection
from workspaces.canonical import digest

NOTHING_BEFORE = digest(None)


def image_digest(image: dict[str, object] | None) -> str:
    """Return the digest of a before-image; a fixed one where the tool has none."""
    return digest(image)


def binding_of(action: Action, *, connection: Connection | None, policy_digest: str) -> str:
    """Return the binding of ``action`` under the connection and policy as they stand now."""
    return digest(
        {
            "workspace": str(action.workspace_id),
            "tool": str(action.tool_id),
            "schema": action.schema_digest,
            "arguments": action.arguments_digest,
            "connection": [str(connection.id), connection.version] if connection else None,
            "agent_version": str(action.agent_version_id),
            "policy": policy_digest,
            "before": action.before_digest,
        }
    )
