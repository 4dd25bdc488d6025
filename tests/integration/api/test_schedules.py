"""Schedules over the API: made once a key, listed, changed, turned off by DELETE."""

import pytest

from agents.models import Run, Schedule
from tests.house import house, world
from workspaces.models import KeyScope
from workspaces.operations.keys import issue_key

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db
URL = "/api/v1/schedules/"
SAID = {"agent": "agent", "text": "Hello", "cron": "30 2 * * *", "time_zone": "Europe/Berlin", "overlap": "allow"}


def test_schedule_is_made_once_and_answers_with_its_times(house, client_of):
    owner = client_of("owner")
    first, again = (owner.post(URL, SAID, "json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    made = first.json()
    assert first["Location"] == f"{URL}{made['id']}/"
    assert (made["agent"], made["overlap"], made["catch_up"], made["last_run"]) == ("agent", "allow", "latest", None)
    assert len(made["next_times"]) == 5
    assert made["next_times"][0] == made["next_at"]
    assert any("skip 02:30" in sentence for sentence in made["clock_changes"])
    assert Schedule.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"cron": "x"}, {"cron": ""}, {"time_zone": "Mars"}, {"overlap": "x"}, {"catch_up": 1}, {"text": ""}],
)
def test_what_cannot_be_is_refused_by_field(house, client_of, wrong):
    answer = client_of("owner").post(URL, {**SAID, **wrong}, "json", HTTP_IDEMPOTENCY_KEY="k")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == set(wrong)


def test_schedule_is_changed_and_turned_off_and_stays_on_record(house, client_of):
    owner = client_of("owner")
    made = owner.post(URL, SAID, "json", HTTP_IDEMPOTENCY_KEY="k").json()
    address = f"{URL}{made['id']}/"
    changed = owner.patch(address, {"cron": "0 7 * * *", "time_zone": "UTC"}, "json").json()
    assert (changed["cron"], changed["next_at"][-9:], changed["clock_changes"]) == ("0 7 * * *", "07:00:00Z", [])
    assert owner.patch(address, {"cron": "x"}, "json").status_code == 422
    off = owner.delete(address)
    assert (off.status_code, off.json()["is_enabled"], off.json()["next_times"]) == (200, False, [])
    assert [one["id"] for one in owner.get(f"{URL}?is_enabled=false").json()["results"]] == [made["id"]]
    assert owner.get(f"{URL}?is_enabled=true").json()["results"] == []
    assert owner.get(f"{URL}?agent=agent").json()["results"][0]["text"] == "Hello"


def test_the_run_started_last_is_named(house, client_of):
    made = client_of("owner").post(URL, SAID, "json", HTTP_IDEMPOTENCY_KEY="k").json()
    Run.objects.filter(pk=house.run.pk).update(schedule_id=made["id"], due_at=made["next_at"])
    assert client_of("owner").get(f"{URL}{made['id']}/").json()["last_run"] == str(house.run.id)


def test_key_needs_the_scope_of_runs(house, client):
    for scope, status in ((KeyScope.READ, 403), (KeyScope.RUNS, 404)):
        key = issue_key(
            workspace=house.cast.workspace, account=house.cast.service, name=scope, scopes=[scope], by=house.cast.owner
        )
        headers = {"Authorization": f"Bearer {key.text}", "Idempotency-Key": "k"}
        answer = client.post(URL, SAID, "application/json", headers=headers)
        assert answer.status_code == status, answer.content
