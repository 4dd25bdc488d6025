"""Pauses: while one is live, nothing new starts in its scope."""

from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q

import workspaces.database  # noqa: F401 - registers the lookup any_of
from workspaces.models.base import TenantRow
from workspaces.models.user import User


class ScopeKind(models.TextChoices):
    WORKSPACE = "workspace", "Workspace"
    AGENT = "agent", "Agent"
    RUN = "run", "Run"
    TOOL = "tool", "Tool"
    CONNECTION = "connection", "Connection"


class PauseQuerySet(models.QuerySet["Pause"]):
    def live(self) -> "PauseQuerySet":
        """Return the pauses that nobody has released."""
        return self.filter(released_at=None)

    def over(self, scopes: list[UUID], *, repair: bool = False) -> "PauseQuerySet":
        """Return the live pauses over any of ``scopes``; ``repair`` leaves out those that let repair go on."""
        found = self.live().filter(scope_id__in=scopes)
        return found.filter(allows_repair=False) if repair else found


class Pause(TenantRow):
    """A row that forbids new effects in a scope until it is released (DESIGN invariant 10)."""

    scope_kind = models.CharField(max_length=12, choices=ScopeKind)
    scope_id = models.UUIDField()
    reason = models.CharField(max_length=500)
    allows_repair = models.BooleanField(default=False, help_text="Rollback runs may go on.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    released_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)

    objects = PauseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope_id"], condition=Q(released_at=None), name="pause_one_live"),
            models.CheckConstraint(
                condition=Q(released_at=None, released_by=None)
                | Q(released_at__isnull=False, released_by__isnull=False),
                name="pause_released_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope_kind} {self.scope_id}: {self.reason}"


def paused(*, repair: bool = False, scopes: str = "scopes") -> Exists:
    """Return the condition "a live pause covers one of this row's scopes", for the WHERE of a claiming UPDATE.

    ``repair`` says that the row belongs to a rollback run, which some pauses let go on.
    """
    found = Pause.objects.live().filter(scope_id__any_of=OuterRef(scopes))
    return Exists(found.filter(allows_repair=False) if repair else found)
