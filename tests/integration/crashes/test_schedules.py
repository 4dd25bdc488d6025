"""A sweeper is killed when the run of a schedule is written and not committed: the next one starts it, once."""

from datetime import timedelta

import pytest

from agents.models import Run, Schedule
from agents.operations import create_schedule
from agents.operations.due import due_schedules, start_due
from tests.integration.crashes.conftest import killed
from workspaces.database import ClockTimestamp
from workspaces.failpoints import Failpoint, acting, dying_at

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_invariant_04_sweeper_killed_over_a_schedule(theatre):
    schedule = create_schedule(
        agent_id=theatre.desk.desk.agent.id, text="Hello", cron="* * * * *", time_zone="UTC", by=theatre.desk.cast.owner
    )
    Schedule.objects.update(next_at=ClockTimestamp() - timedelta(minutes=1))

    def start():
        with acting(dying_at(Failpoint.SCHEDULE_STARTED)):
            start_due(schedule.id)

    assert killed(start)
    assert not Run.objects.filter(schedule=schedule).exists()
    while due_schedules(1):
        start_due(schedule.id)
    assert Run.objects.filter(schedule=schedule).count() == 1
