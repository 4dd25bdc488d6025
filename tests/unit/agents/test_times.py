"""Times of cron expressions, where clocks are put forward and back, held against the calendar of Berlin."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.times import check_times, clock_changes, due_after, newest_due, time_zones, upcoming
from workspaces.errors import InvalidInput

BERLIN = "Europe/Berlin"
WINTER = datetime(2026, 12, 1, 9, 30, 15, 123456, tzinfo=UTC)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_times_are_those_of_the_zone():
    assert upcoming("30 8 * * 1-5", BERLIN, WINTER, 4) == [
        utc(2026, 12, 2, 7, 30), utc(2026, 12, 3, 7, 30), utc(2026, 12, 4, 7, 30), utc(2026, 12, 7, 7, 30)
    ]  # fmt: skip
    assert upcoming("30 8 * * *", BERLIN, utc(2027, 6, 1), 1) == [utc(2027, 6, 1, 6, 30)]
    assert upcoming("30 8 * * *", "UTC", WINTER, 1) == [utc(2026, 12, 2, 8, 30)]


def test_time_that_a_day_does_not_have_falls_due_when_the_clocks_go_on():
    found = upcoming("30 2 * * *", BERLIN, utc(2027, 3, 27), 3)
    assert found == [utc(2027, 3, 27, 1, 30), utc(2027, 3, 28, 1, 0), utc(2027, 3, 29, 0, 30)]


def test_time_that_a_day_has_twice_falls_due_the_first_time():
    found = upcoming("30 2 * * *", BERLIN, utc(2027, 10, 30, 12), 2)
    assert found == [utc(2027, 10, 31, 0, 30), utc(2027, 11, 1, 1, 30)]
    assert upcoming("30 1 * * *", "America/New_York", utc(2026, 11, 1), 2) == [
        utc(2026, 11, 1, 5, 30), utc(2026, 11, 2, 6, 30)
    ]  # fmt: skip


def test_asked_within_the_second_of_two_equal_hours_the_time_is_over():
    assert upcoming("30 2 * * *", BERLIN, utc(2027, 10, 31, 1, 10), 1) == [utc(2027, 11, 1, 1, 30)]


def test_real_hours_count_where_every_hour_is_named():
    hours = upcoming("0 * * * *", BERLIN, utc(2027, 3, 28), 3)
    assert hours == [utc(2027, 3, 28, 1), utc(2027, 3, 28, 2), utc(2027, 3, 28, 3)]


def test_what_becomes_of_such_times_is_said_beforehand():
    assert clock_changes("30 2 * * *", BERLIN, WINTER) == [
        "On 28 March 2027 the clocks of Europe/Berlin skip 02:30: it starts at 03:00 instead.",
        "On 31 October 2027 the clocks of Europe/Berlin show 02:30 twice: it starts the first time only.",
    ]
    assert clock_changes("*/20 2 * * *", BERLIN, WINTER) == [
        "On 28 March 2027 the clocks of Europe/Berlin skip 02:00: nothing starts for those times.",
        "On 31 October 2027 the clocks of Europe/Berlin show 02:00 twice: it starts both times.",
    ]
    assert clock_changes("30 1 * * *", "America/New_York", WINTER)[-1:] == [
        "On 7 November 2027 the clocks of America/New_York show 01:30 twice: it starts the first time only."
    ]


@pytest.mark.parametrize(
    ("cron", "zone"), [("30 8 * * *", BERLIN), ("30 2 * * *", "UTC"), ("*/5 * * * *", BERLIN), ("30 2 1 7 *", BERLIN)]
)
def test_nothing_is_said_of_clocks_that_do_not_matter(cron, zone):
    assert clock_changes(cron, zone, WINTER) == []


@pytest.mark.parametrize(
    ("cron", "zone", "field"),
    [
        ("", BERLIN, "cron"),
        ("* * * *", BERLIN, "cron"),
        ("0 0 * * * *", BERLIN, "cron"),
        ("61 * * * *", BERLIN, "cron"),
        ("0 0 31 2 *", BERLIN, "cron"),
        ("0 0 */20 * 1L", BERLIN, "cron"),
        ("\x00 0 * * *", BERLIN, "cron"),
        ("0 0 * * " + "1," * 60 + "1", BERLIN, "cron"),
        ("0 0 * * *", "Europe/Atlantis", "time_zone"),
        ("0 0 * * *", "../../etc/passwd", "time_zone"),
        ("0 0 * * *", "localtime", "time_zone"),
        ("0 0 * * *", "", "time_zone"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(cron, zone, field):
    with pytest.raises(InvalidInput) as refused:
        check_times(cron, zone, WINTER)
    assert list(refused.value.fields) == [field]


@given(st.text(alphabet="0123456789*,-/#LWMONJAN \t?", max_size=30))
def test_any_expression_is_read_or_refused(cron):
    with suppress(InvalidInput):
        check_times(cron, BERLIN, WINTER)
        clock_changes(cron, BERLIN, WINTER)


@given(
    cron=st.sampled_from(["30 2 * * *", "*/20 2 * * *", "0,30 1-3 * * *", "0 * * * *", "15 */2 * * *", "0 0 1 * *"]),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]),
    since=st.integers(0, 800 * 24 * 60),
    minutes=st.integers(0, 4 * 24 * 60),
    most=st.integers(1, 30),
)
def test_times_found_from_the_end_are_the_last_of_those_found_from_the_beginning(cron, zone, since, minutes, most):
    begin = utc(2026, 1, 1) + timedelta(minutes=since)
    end = begin + timedelta(minutes=minutes)
    forward = list(takewhile(lambda at: at <= end, due_after(cron, zone, begin - timedelta(seconds=1))))
    assert newest_due(cron, zone, begin, end, most) == forward[-most:]


def test_zones_are_places():
    assert {"Europe/Berlin", "UTC"} <= set(time_zones())
    assert "localtime" not in time_zones()
