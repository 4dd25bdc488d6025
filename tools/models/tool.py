"""One typed operation on one outside system."""

from django.db import models

from tools.models.connection import Connection
from tools.states import Effect, Idempotency
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow


class Tool(TenantRow):
    """What agents may propose: an operation of a connection's connector, narrowed by options.

    ``effect``, ``egress``, ``moves_money`` and ``idempotency`` are confirmed by an operator and may be stricter than
    the connector's own. ``input_schema`` is derived from the connector's operation and the options when the tool is
    saved.
    """

    name = models.CharField(max_length=100)
    title = models.CharField(max_length=120)
    description = models.TextField(help_text="What the model reads about it.")
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="tools", null=True, blank=True)
    operation = models.CharField(max_length=60)
    options = models.JSONField(default=dict, blank=True)
    input_schema = models.JSONField()
    schema_digest = models.CharField(max_length=64)
    effect = models.CharField(max_length=20, choices=Effect)
    egress = models.BooleanField(default=False)
    moves_money = models.BooleanField(
        default=False, help_text="It pays, refunds or charges: nobody ever approves their own wording of it."
    )
    idempotency = models.CharField(max_length=20, choices=Idempotency)
    deadline_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long one call may take, at most an hour; empty: TOOL_DEADLINE_SECONDS."
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="tool_name_once"),
            tenant_key("tool"),
            SameWorkspace(field="connection", name="tool_connection_same_workspace"),
        ]

    def __str__(self) -> str:
        return self.name
