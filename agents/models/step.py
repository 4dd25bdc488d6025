"""One unit of a run that is recorded before the next begins."""

from typing import ClassVar, Final
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from agents.models.run import Run
from agents.states import STEP_TRANSITIONS, Priority, StepKind, StepStatus
from tools.models import Action
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import TenantRow
from workspaces.payloads import BodyField

APART: Final = ("answer", "value")
"""Of a step's output, what may be large: it is stored apart then, and removed by its age."""
OF_ITS_RUN = """
    IF NOT EXISTS (
        SELECT 1 FROM tools_action a JOIN agents_run r ON r.environment = a.environment
        WHERE a.id = NEW.action_id AND r.id = NEW.run_id
    ) THEN
        RAISE EXCEPTION 'an action is of the environment of its run' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class Step(TenantRow):
    """Claimed by one worker incarnation at a time; ``attempt`` fences every write of an owner that lost it."""

    TRANSITIONS: ClassVar = STEP_TRANSITIONS

    run = models.ForeignKey(Run, models.PROTECT, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    turn = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=StepKind)
    status = models.CharField(max_length=10, choices=StepStatus, default=StepStatus.READY)
    action = models.OneToOneField(Action, models.PROTECT, null=True, related_name="step")
    call_id = models.CharField(max_length=200, blank=True, help_text="The model's own id of the call it answers.")
    input = models.JSONField(default=dict)
    output = BodyField(null=True)
    explanation = models.TextField(blank=True)
    scopes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    is_repair = models.BooleanField(default=False)
    priority = models.CharField(
        max_length=12,
        choices=Priority,
        default=Priority.INTERACTIVE,
        db_default=Priority.INTERACTIVE,
        help_text="Its run's.",
    )
    node = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="The workflow's node that it carries out."
    )
    thread = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text='Which of a workflow\'s threads: "" the main one, "7.a" a branch of step 7.',
    )
    visit = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often its thread has come to the node by then."
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="inner_steps")
    awaits = models.CharField(
        max_length=400, blank=True, default="", db_default="", help_text="What a waiting step of a workflow waits for."
    )
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    takeovers = models.PositiveIntegerField(default=0, help_text="Workers that were lost over it, one after the other.")
    incarnation: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(null=True)
    wake_at = models.DateTimeField(null=True)
    nudged_at = models.DateTimeField(null=True, help_text="When a worker was last told of it.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            tenant_key("step"),
            SameWorkspace(field="run", name="step_run_same_workspace"),
            SameWorkspace(field="action", name="step_action_same_workspace"),
            SameWorkspace(field="parent", name="step_parent_same_workspace"),
            models.UniqueConstraint(fields=["run", "number"], name="step_number_once"),
            models.CheckConstraint(
                condition=Q(status=StepStatus.RUNNING, incarnation__isnull=False) | ~Q(status=StepStatus.RUNNING),
                name="step_running_has_owner",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="step_action_of_its_environment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("action_id"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Q(new__action__isnull=False),
                func=OF_ITS_RUN,
            )
        ]
        indexes = [
            models.Index(fields=["wake_at"], condition=Q(status="ready"), name="step_ready"),
            models.Index(
                fields=["priority", "id"],
                condition=Q(status="ready", kind__in=["code", "branch"], thread=""),
                name="step_lane",
            ),
            models.Index(fields=["incarnation"], condition=Q(status="running"), name="step_running"),
            models.Index(fields=["run"], condition=Q(status="waiting"), name="step_waiting"),
            models.Index(fields=["wake_at"], condition=Q(status="waiting", wake_at__isnull=False), name="step_timer"),
            models.Index(
                fields=["workspace", "awaits"], condition=Q(status="waiting") & ~Q(awaits=""), name="step_awaits"
            ),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="step_inner"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}: {self.status}"
