"""One row per worker process incarnation: the proof that an owner of steps is alive or dead."""

from uuid import UUID

from django.db import models

from workspaces.models import Row


class Worker(Row):
    """Its id is the incarnation that claims name. Silent for longer than the limit, or gone, means dead, for ever."""

    name = models.CharField(max_length=200)
    format = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="The newest form of runs that it knows."
    )
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    stopped_at = models.DateTimeField(null=True, help_text="When it stopped in good order.")
    died_at = models.DateTimeField(null=True, help_text="When the kernel said that its process is gone.")
    machine = models.CharField(max_length=120, blank=True, help_text="Whose process ids `pid` is one of.")
    pid = models.PositiveIntegerField(null=True)
    born = models.BigIntegerField(null=True, help_text="When the process began, in clock ticks since the boot.")

    class Meta:
        indexes = [models.Index(fields=["heartbeat_at"], condition=models.Q(stopped_at=None), name="worker_alive")]

    def __str__(self) -> str:
        return self.name


class Sweep(Row):
    """One row: when a round of the sweep was over last, whoever did it. Probes and alarms read it."""

    swept_at = models.DateTimeField()
    looked_until: "models.UUIDField[UUID | None, UUID | None]" = models.UUIDField(
        null=True, help_text="The run up to which waiting steps were looked at last; none where all were."
    )

    def __str__(self) -> str:
        return f"swept at {self.swept_at:%H:%M:%S}"
