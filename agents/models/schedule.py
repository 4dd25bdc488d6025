"""Tasks that are given again and again: when, to whom, and what happens when one is late or early."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from agents.models.agent import Agent
from agents.models.run import Run
from agents.states import RUN_TERMINAL
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.database import ClockTimestamp
from workspaces.environments import Environment
from workspaces.models import TenantRow, User


class Overlap(models.TextChoices):
    """What happens at a time at which an earlier run of the schedule is still under way."""

    SKIP = "skip", "Skip that time"
    QUEUE = "queue", "Wait until it is over"
    ALLOW = "allow", "Start beside it"


class CatchUp(models.TextChoices):
    """What happens with times that passed while nothing could be started."""

    NONE = "none", "Leave them out"
    LATEST = "latest", "Start once, for the latest"
    ALL = "all", "Start for each, for the last 24 at most"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, user: User) -> "ScheduleQuerySet":
        """Return the schedules of the agents that ``user`` may see."""
        return self.filter(agent__in=Agent.objects.visible_to(user))

    def due(self) -> "ScheduleQuerySet":
        """Return what can be started by now: one that queues is not, while its earlier run is under way."""
        under_way = Run.objects.filter(schedule_id=OuterRef("pk")).exclude(status__in=RUN_TERMINAL)
        return self.filter(~Q(overlap=Overlap.QUEUE) | ~Exists(under_way), next_at__lte=ClockTimestamp())

    def with_last_run(self) -> "ScheduleQuerySet":
        """Add ``last_run_id``, the run that was started last."""
        runs = Run.objects.filter(schedule_id=OuterRef("pk")).order_by("-due_at")
        return self.annotate(last_run_id=Subquery(runs.values("id")[:1]))


class Schedule(TenantRow):
    """A task in free text for one agent, given at the times of a cron expression with the rights of who made it.

    Enabled, it has a next time. ``causes`` are the people who made or changed it: nobody of them decides on what comes
    of it. ``reason`` says why it stopped, or why nothing was started the last time.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="schedules")
    text = models.TextField()
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64)
    overlap = models.CharField(max_length=10, choices=Overlap, default=Overlap.SKIP)
    catch_up = models.CharField(max_length=10, choices=CatchUp, default=CatchUp.LATEST)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    is_enabled = models.BooleanField(default=True)
    reason = models.TextField(blank=True)
    next_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True, help_text="The time for which a run was started last.")
    causes: "ArrayField[list[UUID], list[UUID]]" = ArrayField(models.UUIDField(), default=list)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            tenant_key("schedule"),
            SameWorkspace(field="agent", name="schedule_agent_same_workspace"),
            models.CheckConstraint(
                condition=Q(is_enabled=True, next_at__isnull=False) | Q(is_enabled=False, next_at=None),
                name="schedule_enabled_has_next",
            ),
            models.CheckConstraint(condition=Q(environment__in=Environment.values), name="schedule_environment_known"),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="schedule_due")]

    def __str__(self) -> str:
        return f"{self.cron} {self.time_zone}"
