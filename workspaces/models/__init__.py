"""Users, workspaces, memberships, teams, API keys, pauses and salts."""

from workspaces.models.api_key import ApiKey, KeyScope
from workspaces.models.base import Row, TenantRow
from workspaces.models.idempotency import IdempotencyRecord
from workspaces.models.invitation import Invitation
from workspaces.models.pause import Pause, ScopeKind, paused
from workspaces.models.payload import Payload, PayloadUse
from workspaces.models.salt import Salt
from workspaces.models.team import Team
from workspaces.models.user import User
from workspaces.models.workspace import Membership, Role, Workspace

__all__ = [
    "ApiKey",
    "IdempotencyRecord",
    "Invitation",
    "KeyScope",
    "Membership",
    "Pause",
    "Payload",
    "PayloadUse",
    "Role",
    "Row",
    "Salt",
    "ScopeKind",
    "Team",
    "TenantRow",
    "User",
    "Workspace",
    "paused",
]
