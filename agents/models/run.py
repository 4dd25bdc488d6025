"""One task given to one agent version, from its input to its outcome. A rollback is a run too."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from agents.models.agent import Agent, AgentVersion
from agents.models.overlay import Overlay
from agents.states import RUN_TERMINAL, RUN_TRANSITIONS, Priority, RunKind, RunMode, RunStatus
from memory.models import Session
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.environments import Environment
from workspaces.models import TenantRow, User

OF_ITS_ORIGIN = """
    IF EXISTS (
        SELECT 1 FROM agents_run r
        WHERE r.id IN (NEW.parent_id, NEW.rolls_back_id, NEW.forked_from_id) AND r.environment <> NEW.environment
    ) THEN
        RAISE EXCEPTION 'a run stays in the environment of the run that it belongs to'
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.mode = 'live' AND EXISTS (
        SELECT 1 FROM agents_run r WHERE r.id = NEW.parent_id AND r.mode = 'simulated'
    ) THEN
        RAISE EXCEPTION 'the child of a simulated run is simulated' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User) -> "RunQuerySet":
        """Return the runs of the agents that ``user`` may see."""
        return self.filter(agent__in=Agent.objects.visible_to(user))

    def controllable_by(self, user: User) -> "RunQuerySet":
        """Return the runs that ``user`` may pause, cancel and roll back."""
        return self.filter(agent__in=Agent.objects.controllable_by(user))

    def live(self) -> "RunQuerySet":
        return self.exclude(status__in=RUN_TERMINAL)


class Run(TenantRow):
    """A run's own state, in the environment in which it was begun.

    ``open_steps`` counts the current turn's steps that are not over: zero moves it on.
    """

    TRANSITIONS: ClassVar = RUN_TRANSITIONS

    kind = models.CharField(max_length=10, choices=RunKind, default=RunKind.TASK)
    mode = models.CharField(max_length=10, choices=RunMode, default=RunMode.LIVE)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    priority = models.CharField(
        max_length=12, choices=Priority, default=Priority.INTERACTIVE, db_default=Priority.INTERACTIVE
    )
    format = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="In which form it was written: workers take up those that they know."
    )
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="runs", db_index=False)
    version = models.ForeignKey(AgentVersion, models.PROTECT, related_name="runs")
    overlay = models.ForeignKey(
        Overlay, models.PROTECT, null=True, related_name="runs", help_text="What is different for its customer."
    )
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    rolls_back = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="rollbacks")
    forked_from = models.ForeignKey("self", models.PROTECT, null=True, db_index=False, related_name="forks")
    forked_at = models.PositiveIntegerField(null=True, help_text="The number of the last step it took over; 0: none.")
    made_live_by = models.ForeignKey(User, models.PROTECT, null=True, db_index=False, related_name="+")
    made_live_at = models.DateTimeField(null=True, help_text="When a person let a simulated run go on live.")
    session = models.ForeignKey(Session, models.PROTECT, null=True, related_name="+")
    schedule = models.ForeignKey("Schedule", models.PROTECT, null=True, related_name="runs")
    due_at = models.DateTimeField(null=True, help_text="The time of its schedule for which it was started.")
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.QUEUED)
    title = models.CharField(max_length=200)
    input = models.JSONField()
    plan = models.JSONField(null=True, help_text="A rollback's preview, in the order of execution.")
    plan_digest = models.CharField(max_length=64, blank=True)
    outcome = models.JSONField(null=True)
    explanation = models.TextField(blank=True)
    started_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    causes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    scopes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    steps_used = models.PositiveIntegerField(default=0)
    step_limit = models.PositiveIntegerField()
    time_limit_seconds = models.PositiveIntegerField(
        null=True, help_text="From its start, without what it waited for people; null: none."
    )
    time_up_at = models.DateTimeField(
        null=True, help_text="When its time is up at the earliest: what people took is counted then."
    )
    set_aside = models.DurationField(
        default=timedelta(0), db_default=timedelta(0), help_text="How long it was over before it was gone on with."
    )
    turn = models.PositiveIntegerField(default=0)
    open_steps = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    rollback_asked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        help_text="Who wants it rolled back when it is at rest.",
    )
    rollback_due_at = models.DateTimeField(
        null=True, help_text="When workers are told next that its preview is to be made; null: it is not, any more."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True, help_text="When what it said was removed, by its age.")

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            tenant_key("run"),
            SameWorkspace(field="agent", name="run_agent_same_workspace"),
            SameWorkspace(field="version", name="run_version_same_workspace"),
            SameWorkspace(field="parent", name="run_parent_same_workspace"),
            SameWorkspace(field="rolls_back", name="run_rolls_back_same_workspace"),
            SameWorkspace(field="forked_from", name="run_forked_from_same_workspace"),
            SameWorkspace(field="overlay", name="run_overlay_same_workspace"),
            SameWorkspace(field="session", name="run_session_same_workspace"),
            SameWorkspace(field="schedule", name="run_schedule_same_workspace"),
            models.UniqueConstraint(fields=["schedule", "due_at"], name="run_once_a_time"),
            models.CheckConstraint(
                condition=Q(kind=RunKind.ROLLBACK, rolls_back__isnull=False)
                | ~Q(kind=RunKind.ROLLBACK) & Q(rolls_back=None),
                name="run_rollback_names_its_run",
            ),
            models.CheckConstraint(
                condition=Q(status__in=RUN_TERMINAL, finished_at__isnull=False)
                | ~Q(status__in=RUN_TERMINAL) & Q(finished_at=None),
                name="run_finished_has_time",
            ),
            models.CheckConstraint(condition=Q(environment__in=Environment.values), name="run_environment_known"),
            models.CheckConstraint(
                condition=Q(forked_from=None, forked_at=None) | Q(forked_from__isnull=False, forked_at__isnull=False),
                name="run_fork_names_its_step",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="run_stays_in_its_environment", fields=["environment"]),
            pgtrigger.Protect(
                name="run_is_live_for_good",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__mode=RunMode.LIVE, new__mode__df=RunMode.LIVE),
            ),
            pgtrigger.Protect(
                name="run_keeps_its_overlay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__overlay__isnull=False, old__overlay__df=pgtrigger.F("new__overlay")),
            ),
            pgtrigger.Trigger(
                name="run_environment_of_its_origin",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__parent__isnull=False)
                | pgtrigger.Q(new__rolls_back__isnull=False)
                | pgtrigger.Q(new__forked_from__isnull=False),
                func=OF_ITS_ORIGIN,
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="run_list"),
            models.Index(fields=["agent", "-created_at"], name="run_agent_list"),
            models.Index(fields=["rolls_back"], name="run_rollbacks"),
            models.Index(fields=["forked_from"], condition=Q(forked_from__isnull=False), name="run_forks"),
            models.Index(fields=["status"], condition=Q(finished_at=None), name="run_live"),
            models.Index(fields=["time_up_at"], condition=Q(status="waiting"), name="run_time_up"),
            models.Index(
                fields=["rollback_due_at"], condition=Q(rollback_due_at__isnull=False), name="run_rollback_wished"
            ),
            models.Index(
                fields=["cancel_requested_at"],
                condition=Q(cancel_requested_at__isnull=False, finished_at=None),
                name="run_to_cancel",
            ),
            models.Index(
                fields=["created_at"], condition=Q(kind="rollback", status="waiting", turn=0), name="run_preview"
            ),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False, emptied_at=None), name="run_finished"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_terminal(self) -> bool:
        return self.status in RUN_TERMINAL

    @property
    def is_preview(self) -> bool:
        """Whether it is a rollback that nobody has confirmed yet: it waits, and no worker will touch it."""
        return self.kind == RunKind.ROLLBACK and self.status == RunStatus.WAITING and self.turn == 0

    @property
    def is_repair(self) -> bool:
        return self.kind == RunKind.ROLLBACK

    @property
    def is_simulated(self) -> bool:
        """Whether what it would change or send is judged and not carried out."""
        return self.mode == RunMode.SIMULATED
