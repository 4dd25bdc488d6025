"""The pages of schedules: made once, shown with their times, changed and turned off by whom they concern."""

import re

import pytest

from agents.models import Schedule
from agents.operations import create_schedule

pytestmark = pytest.mark.django_db
SAID = {
    "text": "Look <b>after</b> it.", "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "overlap": "queue",
    "catch_up": "none",
}  # fmt: skip


@pytest.fixture
def schedule(desk):
    return create_schedule(agent_id=desk.desk.agent.id, by=desk.cast.reviewer, **SAID)


def test_schedule_is_made_once_and_shown_with_its_times_and_what_clocks_do(desk, browse):
    owner = browse("owner")
    page = owner.get(f"/schedules/new/?agent={desk.desk.agent.id}").content.decode()
    key = re.search(r'name="once" value="([^"]+)"', page).group(1)
    sent = {**SAID, "agent": str(desk.desk.agent.id), "environment": "sandbox", "once": key}
    first, again = (owner.post("/schedules/new/", sent) for _ in range(2))
    made = Schedule.objects.get()
    assert first["Location"] == again["Location"] == f"/schedules/{made.id}/"
    assert (made.overlap, made.catch_up, made.environment) == ("queue", "none", "sandbox")
    page = owner.get(first["Location"]).content.decode()
    assert page.count("02:30 <span") + page.count("03:00 <span") == 5
    assert "skip 02:30: it starts at 03:00 instead." in page
    assert "show 02:30 twice: it starts the first time only." in page
    assert "Look &lt;b&gt;after&lt;/b&gt; it." in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cron": "61 * * * *"}, "This cron expression cannot be read: bad minute."),
        ({"cron": "0 0 31 2 *"}, "This cron expression cannot be read: bad day-of-month."),
        ({"cron": "* * * *"}, "A cron expression has five fields"),
        ({"time_zone": "Mars"}, "Select a valid choice"),
        ({"overlap": "x"}, "Select a valid choice"),
        ({"text": " "}, "The ticket is empty."),
    ],
)
def test_what_cannot_be_is_a_sentence_and_what_was_typed_stays(desk, browse, change, sentence):
    sent = {**SAID, "agent": str(desk.desk.agent.id), "environment": "live"} | change
    answer = browse("owner").post("/schedules/new/", sent)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Schedule.objects.exists()


def test_list_and_the_agents_page_name_it(desk, browse, schedule):
    reviewer = browse("reviewer")
    for address in ("/schedules/", f"/agents/{desk.desk.agent.name}/", "/schedules/?state=on&agent=support-desk"):
        page = reviewer.get(address).content.decode()
        assert f"/schedules/{schedule.id}/" in page, address
        assert "30 2 * * *" in page
    assert "Nothing matches" in reviewer.get("/schedules/?state=off").content.decode()
    assert "Nothing is scheduled" in browse("member").get("/schedules/").content.decode()
    assert 'href="/schedules/"' in reviewer.get("/runs/").content.decode()


def test_it_is_changed_and_turned_off_and_on(browse, schedule):
    reviewer, address = browse("reviewer"), f"/schedules/{schedule.id}/"
    assert reviewer.post(address, {**SAID, "cron": "0 7 * * *"}).status_code == 302
    assert "07:00 <span" in reviewer.get(address).content.decode()
    assert reviewer.post(f"{address}switch/").status_code == 302
    page = reviewer.get(address).content.decode()
    assert "It is off: there are none." in page
    assert "Turn it on" in page
    assert reviewer.post(f"{address}switch/", {"on": "1"}).status_code == 302
    schedule.refresh_from_db()
    assert schedule.is_enabled


def test_owners_see_why_it_stopped_and_others_get_no_form(browse, schedule):
    Schedule.objects.update(is_enabled=False, next_at=None, reason="It has stopped: Reviewer may not.")
    assert "It has stopped" in browse("owner").get("/schedules/").content.decode()
    page = browse("finance").get(f"/schedules/{schedule.id}/").content.decode()
    assert "It has stopped" in page
    assert "Turn it on" not in page
    assert "Change it" not in page


def test_pages_need_few_statements_however_many_there_are(desk, browse, schedule, statements):
    owner = browse("owner")
    few = statements(owner, "/schedules/"), statements(owner, f"/agents/{desk.desk.agent.name}/")
    for _ in range(6):
        create_schedule(agent_id=desk.desk.agent.id, by=desk.cast.owner, **SAID)
    assert (statements(owner, "/schedules/"), statements(owner, f"/agents/{desk.desk.agent.name}/")) == few
    assert max(*few, statements(owner, f"/schedules/{schedule.id}/"), statements(owner, "/schedules/new/")) <= 25
