"""Proposing: how an action comes to be. Nothing here touches the outside world."""

from typing import Any
from uuid import UUID

from django.db import transaction

from audit.ledger.recording import record
from tools.models import Action, Tool
from tools.provenance import Leaf
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest, sanitise
from workspaces.ids import uuid7


def propose(
    *,
    tool: Tool,
    arguments: dict[str, Any],
    step_id: UUID,
    run_id: UUID,
    agent_id: UUID,
    agent_version_id: UUID,
    causes: list[UUID],
    scopes: list[UUID],
    provenance: list[dict[str, Any]],
    untrusted_influence: bool,
    planned: bool = False,
    revises: Action | None = None,
    compensates: Action | None = None,
    by: Actor,
) -> Action:
    """Create an action in the status ``proposed``.

    ``scopes`` are those of the run; tool and connection are added here. ``provenance`` has one object per leaf of
    ``arguments`` (``path``, ``trusted``, ``coincidence``, ``sources``).
    """
    said = sanitise(arguments)
    own_scopes = [*scopes, tool.id, *([tool.connection_id] if tool.connection_id else [])]
    with transaction.atomic():
        action = Action.objects.create(
            id=(action_id := uuid7()),
            workspace_id=tool.workspace_id,
            step_id=step_id,
            run_id=run_id,
            agent_id=agent_id,
            agent_version_id=agent_version_id,
            tool=tool,
            schema_digest=tool.schema_digest,
            effect=tool.effect,
            arguments=said,
            arguments_digest=digest(said),
            provenance=provenance,
            untrusted_influence=untrusted_influence,
            planned=planned,
            causes=causes,
            scopes=own_scopes,
            revises=revises,
            compensates=compensates,
            idempotency_key=f"cs-{action_id.hex}",
        )
        record(
            workspace_id=action.workspace_id,
            actor=actor_text(by),
            verb="action.proposed",
            subject=("action", action.id),
            body={
                "tool": str(tool.id),
                "run": str(run_id),
                "arguments": action.arguments_digest,
                "revises": str(revises.id) if revises else None,
                "compensates": str(compensates.id) if compensates else None,
            },
        )
    return action


def leaf_json(leaf: Leaf) -> dict[str, Any]:
    """Return how one leaf's provenance is stored with an action."""
    return {
        "path": leaf.path,
        "value": leaf.value_excerpt,
        "sources": list(leaf.sources),
        "trusted": leaf.trusted,
        "coincidence": leaf.coincidence,
    }
