"""Schedules: what is due is started once, with the rights of who made it, and everything else is said."""

from datetime import timedelta

import pytest

from agents.engine.sweep import sweep
from agents.models import Run, Schedule
from agents.operations import cancel_run, change_schedule, create_schedule, set_agent_enabled
from agents.operations.due import MOST, due_schedules, start_due
from agents.operations.schedules import database_now
from agents.times import upcoming
from audit.ledger.models import Event
from tests.factories import SETUP
from tests.house import at_once, events, house, world
from workspaces.database import ClockTimestamp
from workspaces.errors import DomainError, Forbidden, InvalidInput, NotFound
from workspaces.failpoints import Failpoint, acting
from workspaces.operations import people, teams

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db
HOURLY = "0 * * * *"
BERLIN = "Europe/Berlin"


class Died(BaseException):
    """A process's end."""


@pytest.fixture
def make(house):
    for right in ("view_agent", "start_agent"):
        teams.grant(team=house.cast.reviewers, codename=right, target=house.agent, by=SETUP)

    def schedule(by="reviewer", **said):
        values = {"text": "Look after it.", "cron": HOURLY, "time_zone": BERLIN, **said}
        return create_schedule(agent_id=house.agent.id, by=house.cast[by], **values)

    return schedule


def hours_late(schedule, hours=0):
    """Let the schedule have fallen due: at the full hour, and so many earlier; with a sweep that comes at once."""
    first = upcoming(schedule.cron, schedule.time_zone, database_now() - timedelta(hours=hours + 1), 1)[0]
    Schedule.objects.filter(pk=schedule.pk).update(next_at=first)
    return first


def due_now(schedule):
    """Let the schedule fall due at this minute of each hour."""
    now = database_now().replace(second=0, microsecond=0)
    Schedule.objects.filter(pk=schedule.pk).update(next_at=now, cron=f"{now.minute} * * * *")
    return now


def runs_of(schedule):
    return list(Run.objects.filter(schedule=schedule).order_by("due_at"))


def swept(schedule, rounds=3):
    for _ in range(rounds):
        assert sweep(lambda _run: None)
    schedule.refresh_from_db()
    return schedule


def test_new_schedule_names_its_next_time_and_starts_nothing_before(make):
    schedule = make(cron=" 0  *  * * * ")
    assert schedule.cron == HOURLY
    assert schedule.next_at == upcoming(HOURLY, BERLIN, database_now(), 1)[0]
    assert swept(schedule).last_at is None
    assert (runs_of(schedule), events(schedule)) == ([], ["schedule.created"])
    body = Event.objects.get(verb="schedule.created").body
    assert "Look after it." not in str(body)


def test_what_is_due_is_started_once_and_the_next_time_follows(make, house):
    schedule = make()
    at = due_now(schedule)
    swept(schedule)
    (run,) = runs_of(schedule)
    assert (run.due_at, run.title, run.started_by) == (at, "Look after it.", house.cast.reviewer)
    assert (run.input, run.environment) == ({"text": "Look after it.", "source": "schedule"}, "live")
    assert (schedule.last_at, schedule.reason) == (at, "")
    assert schedule.next_at > at
    assert events(schedule) == ["schedule.created", "schedule.started"]
    assert Event.objects.get(verb="run.queued", subject_id=str(run.id)).body["schedule"] == str(schedule.id)


def test_invariant_12_whoever_made_or_changed_it_caused_its_runs(make, house):
    schedule = make()
    change_schedule(schedule_id=schedule.id, by=house.cast.owner, text="Look twice.")
    due_now(schedule)
    swept(schedule)
    (run,) = runs_of(schedule)
    assert set(run.causes) == {house.cast.reviewer.id, house.cast.owner.id}
    assert run.title == "Look twice."


def test_invariant_12_the_owner_of_a_service_account_is_a_cause(house, make):
    teams.grant(team=house.cast.operators, codename="start_agent", target=house.agent, by=SETUP)
    schedule = make(by="service")
    due_now(schedule)
    swept(schedule)
    assert house.cast.owner.id in runs_of(schedule)[0].causes


@pytest.mark.parametrize(("rule", "started"), [("none", 0), ("latest", 1), ("all", 3)])
def test_hours_late_the_catch_up_rule_decides(make, house, rule, started):
    schedule = make(catch_up=rule, overlap="allow")
    change_schedule(schedule_id=schedule.id, by=house.cast.reviewer, cron="0 */6 * * *")
    schedule.refresh_from_db()
    first = hours_late(schedule, 17)
    now = database_now()
    if (now - max(upcoming(schedule.cron, BERLIN, first - timedelta(seconds=1), 3))) < timedelta(minutes=3):
        started = max(started, 1)
    swept(schedule, 5)
    times = [run.due_at for run in runs_of(schedule)]
    assert len(times) == started
    assert times == sorted(set(times))
    assert schedule.next_at > now
    assert not due_schedules(10)
    assert ("schedule.skipped" in events(schedule)) == (rule != "all")


def test_all_is_bounded_by_the_newest(make):
    schedule = make(catch_up="all", overlap="allow")
    hours_late(schedule, 100)
    swept(schedule, MOST + 3)
    runs = runs_of(schedule)
    assert len(runs) == MOST
    assert runs[-1].due_at > database_now() - timedelta(hours=1, minutes=1)
    assert events(schedule).count("schedule.skipped") == 1


def test_overlap_skip_leaves_out_the_time_and_says_so(make):
    schedule = make(overlap="skip")
    due_now(schedule)
    swept(schedule)
    again = due_now(schedule)
    Run.objects.filter(schedule=schedule).update(due_at=again - timedelta(minutes=1))
    swept(schedule)
    assert len(runs_of(schedule)) == 1
    assert "its earlier run was still under way" in schedule.reason
    assert events(schedule)[-1] == "schedule.skipped"


def test_overlap_allow_starts_beside_it(make):
    schedule = make(overlap="allow")
    due_now(schedule)
    swept(schedule)
    Run.objects.filter(schedule=schedule).update(due_at=due_now(schedule) - timedelta(minutes=1))
    swept(schedule)
    assert len(runs_of(schedule)) == 2


@pytest.mark.parametrize("rule", ["none", "latest", "all"])
def test_overlap_queue_waits_until_the_earlier_run_is_over(make, house, rule):
    schedule = make(overlap="queue", catch_up=rule)
    due_now(schedule)
    swept(schedule)
    (first,) = runs_of(schedule)
    Run.objects.filter(pk=first.pk).update(due_at=first.due_at - timedelta(hours=1))
    Schedule.objects.filter(pk=schedule.pk).update(cron=HOURLY)
    schedule.refresh_from_db()
    hours_late(schedule)
    swept(schedule)
    assert len(runs_of(schedule)) == 1
    assert not due_schedules(10)
    cancel_run(run_id=first.id, by=house.cast.owner)
    swept(schedule)
    assert len(runs_of(schedule)) == 2
    assert runs_of(schedule)[-1].status == "queued"


@pytest.mark.parametrize("how", ["right", "membership", "account"])
def test_whose_maker_has_lost_the_right_stops_and_says_so(make, house, how):
    schedule = make()
    if how == "right":
        teams.revoke(team=house.cast.reviewers, codename="start_agent", target=house.agent, by=SETUP)
    elif how == "membership":
        people.remove_member(workspace=house.cast.workspace, user=house.cast.reviewer, by=SETUP)
    else:
        people.disable_user(user=house.cast.reviewer, by=SETUP)
    due_now(schedule)
    swept(schedule)
    assert runs_of(schedule) == []
    assert (schedule.is_enabled, schedule.next_at) == (False, None)
    assert "may no longer give tasks to Agent" in schedule.reason
    assert events(schedule)[-1] == "schedule.stopped"
    with pytest.raises(Forbidden):
        change_schedule(schedule_id=schedule.id, by=house.cast.owner, is_enabled=True)


def test_of_a_disabled_agent_a_time_is_left_out_with_the_reason(make, house):
    schedule = make()
    set_agent_enabled(agent=house.agent, enabled=False, by=SETUP)
    due_now(schedule)
    swept(schedule)
    assert (runs_of(schedule), schedule.is_enabled) == ([], True)
    assert "Agent takes no tasks now." in schedule.reason
    assert schedule.next_at > database_now()
    assert Event.objects.get(verb="schedule.skipped").body["reason"] == "agent_unavailable"


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_start_it_once(make):
    schedule = make(overlap="allow")
    due_now(schedule)
    answers = at_once(*[lambda: start_due(schedule.id)] * 3)
    assert answers == [None] * 3
    assert len(runs_of(schedule)) == 1
    assert events(schedule).count("schedule.started") == 1


def test_invariant_04_killed_in_the_middle_nothing_is_doubled_and_nothing_lost(make):
    def die(point):
        if point == Failpoint.SCHEDULE_STARTED:
            raise Died

    schedule = make()
    at = due_now(schedule)
    with acting(die), pytest.raises(Died):
        start_due(schedule.id)
    schedule.refresh_from_db()
    assert (runs_of(schedule), schedule.next_at) == ([], at)
    swept(schedule)
    assert [run.due_at for run in runs_of(schedule)] == [at]


def test_the_database_refuses_a_second_run_for_one_time(make):
    schedule = make(overlap="allow")
    at = due_now(schedule)
    swept(schedule)
    Schedule.objects.filter(pk=schedule.pk).update(next_at=at)
    swept(schedule, 1)
    assert len(runs_of(schedule)) == 1


def test_one_that_fails_keeps_no_other_from_its_turn(make):
    broken, sound = make(), make()
    due_now(broken)
    due_now(sound)
    Schedule.objects.filter(pk=broken.pk).update(time_zone="Gone/Zone", next_at=ClockTimestamp() - timedelta(hours=1))
    swept(sound)
    assert len(runs_of(sound)) == 1


def test_turned_off_starts_nothing_and_on_again_begins_with_the_next_time(make, house):
    schedule = make()
    change_schedule(schedule_id=schedule.id, by=house.cast.owner, is_enabled=False)
    swept(schedule)
    assert (schedule.next_at, runs_of(schedule)) == (None, [])
    back = change_schedule(schedule_id=schedule.id, by=house.cast.reviewer, is_enabled=True)
    assert back.next_at > database_now()
    assert events(schedule)[1:] == ["schedule.disabled", "schedule.enabled"]


def test_who_may_make_and_change_one(make, house):
    schedule = make()
    for name in ("member", "stranger", "disabled"):
        with pytest.raises(NotFound):
            make(by=name)
        with pytest.raises(NotFound):
            change_schedule(schedule_id=schedule.id, by=house.cast[name], text="Mine")
    teams.grant(team=house.cast.financiers, codename="view_agent", target=house.agent, by=SETUP)
    with pytest.raises(Forbidden):
        make(by="finance")
    with pytest.raises(Forbidden):
        change_schedule(schedule_id=schedule.id, by=house.cast.finance, text="Mine")


@pytest.mark.parametrize(
    "wrong",
    [{"cron": "x"}, {"time_zone": "Mars"}, {"overlap": "x"}, {"catch_up": "x"}, {"text": " "}, {"environment": "x"}],
)
def test_what_cannot_be_is_refused_by_field(make, house, wrong):
    with pytest.raises(InvalidInput) as refused:
        make(**wrong)
    assert set(refused.value.fields) == set(wrong)
    schedule = make()
    with pytest.raises(DomainError):
        change_schedule(schedule_id=schedule.id, by=house.cast.owner, **wrong)
    schedule.refresh_from_db()
    assert (schedule.cron, schedule.text) == (HOURLY, "Look after it.")
