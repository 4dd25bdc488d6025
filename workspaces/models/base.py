"""The shapes that all rows share."""

from uuid import UUID

from django.db import models

from workspaces.ids import uuid7


class Row(models.Model):
    """A row with a UUIDv7 key."""

    id: "models.UUIDField[UUID, UUID]" = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TenantRow(Row):
    """A row that belongs to exactly one workspace."""

    workspace = models.ForeignKey("workspaces.Workspace", models.PROTECT, related_name="+")

    class Meta:
        abstract = True
