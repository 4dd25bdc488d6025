"""One proposed call of one tool with exact arguments: the only thing that may touch the outside world."""

from typing import ClassVar
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tools.models.tool import Tool
from tools.states import ACTION_TERMINAL, ACTION_TRANSITIONS, ActionStatus, Effect
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.environments import Environment
from workspaces.models import TenantRow
from workspaces.payloads import BodyField

SAID = [
    "workspace", "step_id", "run_id", "agent_id", "agent_version_id", "environment", "tool", "schema_digest", "effect",
    "arguments", "arguments_digest", "provenance", "untrusted_influence", "planned", "causes", "scopes", "revises",
    "compensates", "idempotency_key",
]  # fmt: skip
"""What an action says. The database refuses to change it: an edit makes another action."""
OF_ONE_ENVIRONMENT = """
    IF EXISTS (
        SELECT 1 FROM tools_action a
        WHERE a.id IN (NEW.revises_id, NEW.compensates_id) AND a.environment <> NEW.environment
    ) THEN
        RAISE EXCEPTION 'an action stays in the environment of what it revises or undoes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
LIVE_OR_DONE = [s for s in ActionStatus.values if s not in ACTION_TERMINAL or s == ActionStatus.SUCCEEDED]


class ActionQuerySet(models.QuerySet["Action"]):
    def in_flight(self) -> "ActionQuerySet":
        """Return the actions that may be touching the world right now, or may have."""
        return self.filter(status__in=[ActionStatus.EXECUTING, ActionStatus.IN_DOUBT])


class Action(TenantRow):
    """Immutable in what it says (tool, arguments, where they come from); only its fate changes.

    The ids of step, run, agent and agent version are plain UUIDs, since those live on a higher floor.
    """

    TRANSITIONS: ClassVar = ACTION_TRANSITIONS

    step_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    run_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    agent_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    agent_version_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="actions")
    schema_digest = models.CharField(max_length=64)
    effect = models.CharField(max_length=20, choices=Effect)
    arguments = models.JSONField()
    arguments_digest = models.CharField(max_length=64)
    provenance = models.JSONField(default=list)
    untrusted_influence = models.BooleanField(default=True)
    planned = models.BooleanField(default=False)
    causes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    scopes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    revises = models.ForeignKey("self", models.PROTECT, null=True, related_name="revisions")
    compensates = models.ForeignKey("self", models.PROTECT, null=True, related_name="compensations")
    status = models.CharField(max_length=20, choices=ActionStatus, default=ActionStatus.PROPOSED)
    idempotency_key = models.CharField(max_length=64, unique=True)

    before_image = models.JSONField(null=True)
    before_digest = models.CharField(max_length=64, blank=True)
    predicted = models.JSONField(null=True)
    result = BodyField(null=True)
    after_image = models.JSONField(null=True)
    undo_plan = models.JSONField(null=True)
    explanation = models.TextField(blank=True, help_text="Why it ended as it did, in a sentence.")

    cleared_by = models.UUIDField(null=True, help_text="The verdict that the clearance rests on.")
    cleared_binding = models.CharField(max_length=64, blank=True)
    cleared_until = models.DateTimeField(null=True)
    execute_after = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    incarnation = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        constraints = [
            tenant_key("action"),
            SameWorkspace(field="tool", name="action_tool_same_workspace"),
            SameWorkspace(field="revises", name="action_revises_same_workspace"),
            SameWorkspace(field="compensates", name="action_compensates_same_workspace"),
            models.UniqueConstraint(
                fields=["compensates"],
                condition=Q(compensates__isnull=False, status__in=LIVE_OR_DONE),
                name="action_one_compensation",
            ),
            models.CheckConstraint(
                condition=Q(cleared_binding="", cleared_until=None)
                | Q(cleared_until__isnull=False) & ~Q(cleared_binding=""),
                name="action_clearance_whole",
            ),
            models.CheckConstraint(condition=Q(status__in=ActionStatus.values), name="action_status_known"),
            models.CheckConstraint(condition=Q(environment__in=Environment.values), name="action_environment_known"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="action_says_what_it_said", fields=SAID),
            pgtrigger.Trigger(
                name="action_of_one_environment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=OF_ONE_ENVIRONMENT,
            ),
        ]
        indexes = [
            models.Index(fields=["run_id"], name="action_run"),
            models.Index(fields=["step_id"], name="action_step"),
            models.Index(fields=["workspace", "status"], name="action_status"),
            models.Index(fields=["status"], condition=~Q(status__in=sorted(ACTION_TERMINAL)), name="action_live"),
            models.Index(fields=["tool", "created_at"], name="action_tool_history"),
        ]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.status}"

    @property
    def is_terminal(self) -> bool:
        return self.status in ACTION_TERMINAL

    @property
    def is_repair(self) -> bool:
        """Whether it undoes another: some pauses let it go on."""
        return self.compensates_id is not None
