"""Users, workspaces, memberships, teams, API keys and pauses."""

from workspaces.models.api_key import ApiKey
from workspaces.models.base import Row, TenantRow
from workspaces.models.idempotency import IdempotencyRecord
from workspaces.models.pause import Pause, ScopeKind, paused
from workspaces.models.team import Team
from workspaces.models.user import User
from workspaces.models.workspace import Membership, Role, Workspace

__all__ = [
    "ApiKey",
    "IdempotencyRecord",
    "Membership",
    "Pause",
    "Role",
    "Row",
    "ScopeKind",
    "Team",
    "TenantRow",
    "User",
    "Workspace",
    "paused",
]
