"""Bounded workers and their immutable versions."""

import pgtrigger
from django.db import models
from guardian.models import GroupObjectPermissionBase

from agents.models.route import ModelRoute
from memory.models import Collection
from tools.models import Tool
from workspaces.access import granted
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow, User
from workspaces.triggers import grant_within_workspace


class AgentQuerySet(models.QuerySet["Agent"]):
    def visible_to(self, user: User) -> "AgentQuerySet":
        """Return the agents whose runs ``user`` may read."""
        return self.filter(granted(user, AgentGrant, ["view_agent", "start_agent", "control_agent"]))

    def startable_by(self, user: User) -> "AgentQuerySet":
        """Return the agents to which ``user`` may give tasks."""
        return self.filter(granted(user, AgentGrant, ["start_agent"]))

    def controllable_by(self, user: User) -> "AgentQuerySet":
        """Return the agents whose runs ``user`` may pause, cancel and roll back."""
        return self.filter(granted(user, AgentGrant, ["control_agent"]))


class Agent(TenantRow):
    """A bounded worker. What it is, is in its versions; runs begin with the current one."""

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    current_version = models.ForeignKey("AgentVersion", models.PROTECT, null=True, blank=True, related_name="+")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AgentQuerySet.as_manager()

    class Meta:
        permissions = [
            ("start_agent", "Can give tasks to this agent"),
            ("control_agent", "Can pause, cancel and roll back runs of this agent"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="agent_name_once"),
            tenant_key("agent"),
            SameWorkspace(field="current_version", name="agent_current_version_same_workspace"),
        ]

    def __str__(self) -> str:
        return self.title


class AgentGrant(GroupObjectPermissionBase):
    """A team's right on one agent."""

    content_object = models.ForeignKey(Agent, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        triggers = [grant_within_workspace("agents_agent")]


class AgentVersion(TenantRow):
    """Goal, model route, tools and limits as they were on one day. The database refuses to change it."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    goal = models.TextField()
    route = models.ForeignKey(ModelRoute, models.PROTECT, related_name="+")
    tools = models.ManyToManyField(Tool, through="AgentVersionTool", related_name="+")
    collections = models.ManyToManyField(Collection, through="AgentVersionCollection", related_name="+")
    step_limit = models.PositiveIntegerField(default=30)
    budget_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Per run; empty: none.")
    calls_per_turn = models.PositiveSmallIntegerField(default=16)
    time_limit_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Per run, from its start, without what it waits for people; empty: none."
    )
    repeat_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=3,
        db_default=3,
        help_text="Times that a call may get the same result; empty: any.",
    )
    answer_limit = models.PositiveIntegerField(
        null=True, blank=True, default=6, db_default=6, help_text="Times that the model may say the same; empty: any."
    )
    idle_limit = models.PositiveIntegerField(
        null=True, blank=True, default=8, db_default=8, help_text="Turns that may bring nothing new; empty: any number."
    )
    subject = models.JSONField(
        default=dict,
        blank=True,
        help_text='Whose conversation it is: {"kind": "customer", "tool": name of a reading tool, "field": "id"}.',
    )
    workflow = models.JSONField(
        null=True, blank=True, help_text="Its nodes, see docs/workflows.md; null: one model node that calls tools."
    )
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "number"], name="agentversion_once"),
            tenant_key("agentversion"),
            SameWorkspace(field="agent", name="agentversion_agent_same_workspace"),
            SameWorkspace(field="route", name="agentversion_route_same_workspace"),
        ]
        triggers = [pgtrigger.Protect(name="agentversion_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.agent_id} v{self.number}"


class AgentVersionTool(TenantRow):
    """A tool that one version may propose."""

    version = models.ForeignKey(AgentVersion, models.PROTECT, related_name="tool_links")
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "tool"], name="agentversiontool_once"),
            SameWorkspace(field="version", name="avt_version_same_workspace"),
            SameWorkspace(field="tool", name="avt_tool_same_workspace"),
        ]
        triggers = [pgtrigger.Protect(name="avt_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.version_id} {self.tool_id}"


class AgentVersionCollection(TenantRow):
    """A collection of knowledge that one version may search, where whoever started the run may read it too."""

    version = models.ForeignKey(AgentVersion, models.PROTECT, related_name="collection_links")
    collection = models.ForeignKey(Collection, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "collection"], name="agentversioncollection_once"),
            SameWorkspace(field="version", name="avc_version_same_workspace"),
            SameWorkspace(field="collection", name="avc_collection_same_workspace"),
        ]
        triggers = [pgtrigger.Protect(name="avc_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.version_id} {self.collection_id}"
