"""Which steps go by the lane."""

from django.db.models import F, Q

from agents.engine.claims import DUE, FREE
from agents.models import Step
from agents.states import StepKind, StepStatus
from audit import telemetry
from workspaces.database import ClockTimestamp

KINDS = (StepKind.CODE, StepKind.BRANCH)


def is_open() -> bool:
    """Say whether there is a lane: where steps are traced, each is carried out by itself, in a span of its own."""
    return not telemetry.is_on()


def by_lane() -> Q:
    """Return the condition that a step goes by the lane; at a limit people are asked, which the engine does."""
    in_time = Q(run__time_up_at=None) | Q(run__time_up_at__gt=ClockTimestamp())
    within = in_time & Q(run__steps_used__lt=F("run__step_limit"))
    return within & Q(kind__in=KINDS, thread="") if is_open() else Q(pk__in=[])


def lane_is_due() -> bool:
    """Say whether a step waits for somebody to ride."""
    due = Step.objects.filter(DUE, FREE, by_lane(), status=StepStatus.READY, run__cancel_requested_at=None)
    return due.exists()
