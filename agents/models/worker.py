"""One row per worker process incarnation: the proof that an owner of steps is alive or dead."""

from django.db import models

from workspaces.models import Row


class Worker(Row):
    """Its id is the incarnation that claims name. Silent for longer than the limit means dead, for ever."""

    name = models.CharField(max_length=200)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["heartbeat_at"], condition=models.Q(stopped_at=None), name="worker_alive")]

    def __str__(self) -> str:
        return self.name


class Sweep(Row):
    """One row: when a round of the sweep was over last, whoever did it. Probes and alarms read it."""

    swept_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"swept at {self.swept_at:%H:%M:%S}"
