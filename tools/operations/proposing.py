"""Proposing: how an action comes to be. Nothing here touches the outside world."""

from typing import Any, NotRequired, TypedDict, Unpack
from uuid import UUID

from django.db import transaction

from audit.ledger.recording import record
from tools.environments import connection_in
from tools.models import Action, Tool
from tools.provenance import Leaf
from tools.states import Effect
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest, sanitise
from workspaces.ids import uuid7
from workspaces.salts import salted


class Proposal(TypedDict):
    """What an action says beside its tool; see ``tools.models.Action``.

    ``environment`` and ``scopes`` are those of the run; tool and connection are added to these here. ``provenance`` has
    one object per leaf of ``arguments`` (``path``, ``trusted``, ``coincidence``, ``sources``). ``simulated`` says that
    the run is: what would change or send something is then simulated, and what only reads goes through.
    """

    arguments: dict[str, Any]
    step_id: UUID
    run_id: UUID
    agent_id: UUID
    agent_version_id: UUID
    environment: str
    causes: list[UUID]
    scopes: list[UUID]
    provenance: list[dict[str, Any]]
    untrusted_influence: bool
    simulated: NotRequired[bool]
    planned: NotRequired[bool]
    revises: NotRequired[Action | None]
    compensates: NotRequired[Action | None]


def propose(*, tool: Tool, by: Actor, **proposal: Unpack[Proposal]) -> Action:
    """Create an action in the status ``proposed``."""
    arguments = sanitise(proposal["arguments"])
    action_id = uuid7()
    way = connection_in(tool, proposal["environment"])
    own_scopes = [tool.id, *([way.id] if way else [])]
    said: dict[str, Any] = {**proposal, "arguments": arguments, "scopes": [*proposal["scopes"], *own_scopes]}
    simulated = said.pop("simulated", False) and (tool.effect != Effect.READ or tool.egress)
    with transaction.atomic():
        action = Action.objects.create(
            id=action_id,
            workspace_id=tool.workspace_id,
            tool=tool,
            schema_digest=tool.schema_digest,
            effect=tool.effect,
            arguments_digest=digest(arguments),
            idempotency_key=f"cs-{action_id.hex}",
            is_simulated=simulated,
            **said,
        )
        _record(action, by)
    return action


def _record(action: Action, by: Actor) -> None:
    record(
        workspace_id=action.workspace_id,
        actor=actor_text(by),
        verb="action.proposed",
        subject=("action", action.id),
        body={
            "tool": str(action.tool_id),
            "run": str(action.run_id),
            "environment": action.environment,
            "arguments": salted(action.workspace_id, action.run_id, action.arguments_digest),
            "revises": str(action.revises_id) if action.revises_id else None,
            "compensates": str(action.compensates_id) if action.compensates_id else None,
            **({"simulated": True} if action.is_simulated else {}),
        },
    )


def leaf_json(leaf: Leaf) -> dict[str, Any]:
    """Return how one leaf's provenance is stored with an action."""
    return {
        "path": leaf.path,
        "value": leaf.value_excerpt,
        "sources": list(leaf.sources),
        "trusted": leaf.trusted,
        "coincidence": leaf.coincidence,
    }
