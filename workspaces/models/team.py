"""Teams: object permissions are granted to them, never to single people."""

from django.contrib.auth.models import Group
from django.db import models

from workspaces.models.base import TenantRow
from workspaces.models.workspace import Workspace


class Team(TenantRow):
    """A workspace's wrapper of one auth group, which is what guardian's grants refer to."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="teams")
    name = models.CharField(max_length=80)
    group = models.OneToOneField(Group, models.PROTECT, related_name="team")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="team_name_once")]

    def __str__(self) -> str:
        return self.name
