"""How runs and steps may move."""

from typing import Final

from django.db.models import TextChoices


class RunKind(TextChoices):
    TASK = "task", "Task"
    ROLLBACK = "rollback", "Rollback"
    EXTERNAL = "external", "External"


class RunMode(TextChoices):
    LIVE = "live", "Live"
    SIMULATED = "simulated", "Simulated"


class Priority(TextChoices):
    """Who goes first where work has to wait; never at the cost of all that the other gets."""

    INTERACTIVE = "interactive", "Interactive"
    BATCH = "batch", "Batch"


class RunStatus(TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


R = RunStatus
RUN_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    R.QUEUED: frozenset({R.RUNNING, R.WAITING, R.FAILED, R.CANCELLED}),
    R.RUNNING: frozenset({R.WAITING, R.SUCCEEDED, R.FAILED, R.CANCELLED}),
    R.WAITING: frozenset({R.RUNNING, R.FAILED, R.CANCELLED}),
    R.FAILED: frozenset({R.RUNNING}),
}
RUN_TERMINAL: Final[frozenset[str]] = frozenset({R.SUCCEEDED, R.FAILED, R.CANCELLED})


class StepKind(TextChoices):
    MODEL = "model", "Model call"
    ACTION = "action", "Action"
    RETRIEVAL = "retrieval", "Retrieval"
    BRANCH = "branch", "Branch"
    WAIT = "wait", "Wait"
    CHILD = "child", "Child run"
    CODE = "code", "Function"
    EVENT = "event", "Event"
    PERSON = "person", "Person"
    PARALLEL = "parallel", "Parallel"
    MAP = "map", "Map"


class StepStatus(TextChoices):
    READY = "ready", "Ready"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"
    CANCELLED = "cancelled", "Cancelled"


S = StepStatus
STEP_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    S.READY: frozenset({S.RUNNING, S.SKIPPED, S.CANCELLED}),
    S.RUNNING: frozenset({S.RUNNING, S.READY, S.WAITING, S.SUCCEEDED, S.FAILED, S.CANCELLED}),
    S.WAITING: frozenset({S.READY, S.FAILED, S.SKIPPED, S.CANCELLED}),
    S.FAILED: frozenset({S.READY}),
}
STEP_TERMINAL: Final[frozenset[str]] = frozenset({S.SUCCEEDED, S.FAILED, S.SKIPPED, S.CANCELLED})
